"""Mails to staff, and visits that end with their visitor's rights."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.principals import SYSTEM
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts.services import reset_link_parts
from shared_apps.delivery.services import handles
from shared_apps.platform.services import end_visits_of
from shared_apps.platform.services.staff import INVITATION_MAIL
from shared_apps.platform.services.visits import VISITS_TO_END
from shared_apps.tenants import addresses


@handles(INVITATION_MAIL)
def send_invitation(payload: dict[str, Any]) -> None:
    """Mail the link by which an invited member of staff sets a password, made here and stored nowhere.

    Nothing for somebody who is gone, or has a password by now.
    """
    user = accounts.users().filter(pk=payload["user"], is_active=True, is_staff=True).first()
    if user is None or user.has_usable_password():
        return
    link = addresses.public_url(f"/password/reset/confirm/?{urlencode(reset_link_parts(user))}")
    with translation.override(user.language or settings.LANGUAGE_CODE):
        text = _(
            "Hello %(name)s,\n\n"
            "you have been invited to the staff of LibraryHub. Set your password here within an hour:\n\n"
            "%(link)s\n\n"
            "Later, ask for a new link with POST /api/v1/auth/password/reset/ and this address.\n"
        ) % {"name": user.get_full_name(), "link": link}
        subject = _("You have been invited to LibraryHub")
        EmailMessage(subject, text, to=[user.email], headers={"Auto-Submitted": "auto-generated"}).send()


@handles(VISITS_TO_END)
def end_visits(payload: dict[str, Any]) -> None:
    """End the visits of somebody who may visit no more; the service has tried before, and may have been cut short."""
    end_visits_of(user_id=payload["user"], by=SYSTEM, now=clock.now())
