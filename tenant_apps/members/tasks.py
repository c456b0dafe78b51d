"""The mail with the link of an invitation."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.tasks import in_each_library, public_task
from saas.core.tenancy import current_library
from shared_apps.delivery.ports import open_libraries
from shared_apps.delivery.services import handles
from shared_apps.tenants.addresses import host_url
from tenant_apps.members import rules, services
from tenant_apps.members.models import Invitation
from tenant_apps.members.services import INVITATION_MAIL

log = structlog.get_logger(__name__)
ACCEPT_PATH = "/invitations/accept/"


@handles(INVITATION_MAIL)
def send_invitation(payload: dict[str, Any]) -> None:
    """Mail the newest link of an invitation, computed here and stored nowhere, in the library's language.

    Nothing for one that is gone, accepted, withdrawn or expired. May run twice: both mails hold the same link.
    """
    invitation = Invitation.objects.select_related("role").filter(pk=payload["invitation"]).first()
    if invitation is None or rules.state_of(invitation, now=clock.now()) != rules.OPEN:
        log.info("members.mail_not_needed", invitation=payload["invitation"])
        return
    with translation.override(current_library().language):
        _message(invitation).send()


@public_task(name="members.purge_invitations")
def purge_invitations() -> None:
    """Forget invitations that ended long ago, in every library; every day."""
    now = clock.now()
    in_each_library(open_libraries(), lambda: services.purge_invitations(now=now))


def _message(invitation: Invitation) -> EmailMessage:
    library = current_library()
    token = rules.rebuilt(invitation.token_nonce, invitation.token_digest)
    values = {
        "library": library.name,
        "role": invitation.role.name,
        "link": host_url(library.primary_host, f"{ACCEPT_PATH}?{urlencode({'token': token})}"),
        "days": rules.LIFETIME.days,
    }
    text = (
        _(
            "Hello,\n\n"
            "%(library)s invites you to work with its catalogue as: %(role)s.\n"
            "Accept the invitation here within %(days)d days:\n\n"
            "%(link)s\n\n"
            "If you did not expect this, do nothing.\n"
        )
        % values
    )
    subject = _("Invitation to %(library)s") % values
    message_id = f"<invitation-{invitation.pk}-{invitation.token_digest[:16]}@{library.primary_host}>"
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    return EmailMessage(" ".join(subject.split()), text, to=[invitation.email], headers=headers)
