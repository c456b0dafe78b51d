"""The mail with the link."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

import structlog
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.tenancy import in_public
from shared_apps.signup import rules, selectors, tokens
from shared_apps.signup.models import SignUp, SignUpStatus
from shared_apps.tenants import addresses, subdomains

log = structlog.get_logger(__name__)


def send_verification_mail(*, sign_up_id: uuid.UUID) -> None:
    """Mail the link of a sign-up in its language. Does nothing for one that is gone, used or expired.

    May run twice: both mails hold the same link and the same Message-ID. Raises what the mail server
    answers, so that the outbox tries again, and TokenLostError.
    """
    with in_public():
        row = SignUp.objects.filter(pk=sign_up_id).first()
        if row is None or selectors.status_of(row, now=clock.now()) != SignUpStatus.PENDING:
            log.info("signup.mail_not_needed", sign_up=str(sign_up_id))
            return
        with translation.override(row.language):
            message = _message(row)
        message.send()


def _message(row: SignUp) -> EmailMultiAlternatives:
    token = tokens.rebuilt(row.pk, row.token_nonce, row.token_digest)
    values: dict[str, Any] = {
        "library_name": row.library_name,
        "address": addresses.library_host(subdomains.display(row.subdomain)),
        "link": addresses.public_url("/signup/verify/?" + urlencode({"token": token})),
        "hours": int(rules.LINK_LIFETIME.total_seconds() // 3600),
    }
    message = EmailMultiAlternatives(
        subject=_("Confirm your library: %(name)s") % {"name": row.library_name},
        body=render_to_string("signup/mail/verification.txt", values),
        to=[row.admin_email],
        # Equal for a repeated delivery, so that mailboxes show it once; and no reply loops with answering
        # machines.
        headers={
            "Message-ID": f"<signup-{row.pk}@{addresses.public_host()}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(render_to_string("signup/mail/verification.html", values), "text/html")
    return message
