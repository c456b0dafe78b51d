"""Mails of this app, sent from the outbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _

from saas.core import clock
from saas.core.tasks import in_each_library, public_task
from saas.core.tenancy import current_library_or_none, in_public
from shared_apps.accounts import factor_mails, mails, selectors, services
from shared_apps.accounts.mails import site_url
from shared_apps.accounts.models import MailedCode
from shared_apps.accounts.services import codes, email_change, notices, registration
from shared_apps.accounts.services.passwords import RESET_MAIL, reset_link_parts
from shared_apps.delivery.ports import open_libraries
from shared_apps.delivery.services import handles

RESET_PATH = "/password/reset/confirm/"
__all__ = [
    "factor_mails",
    "purge_sessions",
    "send_password_reset",
]  # what registers itself when workers start


@handles(RESET_MAIL)
def send_password_reset(payload: dict[str, Any]) -> None:
    """Mail the link to a new password, made here and stored nowhere.

    Nothing for a user who is gone or inactive.
    """
    user = selectors.users().filter(pk=payload["user"], is_active=True).first()
    if user is None:
        return
    library = current_library_or_none()
    site = library.name if library is not None else "LibraryHub"
    link = f"{site_url()}{RESET_PATH}?{urlencode(reset_link_parts(user))}"
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = _("Set a new password at %(site)s") % {"site": site}
        text = _(
            "Hello %(name)s,\n\n"
            "somebody, probably you, asked for a new password at %(site)s. Set one here within an hour:\n\n"
            "%(link)s\n\n"
            "If it was not you, do nothing: your password stays as it is.\n"
        ) % {"name": user.get_full_name(), "site": site, "link": link}
        send_mail(" ".join(subject.split()), text, None, [user.email])


@handles(notices.KIND)
def send_notice(payload: dict[str, Any]) -> None:
    """Tell a user what has happened to their account; nothing for one who is gone or erased."""
    user = selectors.users().filter(pk=payload["user"], erased_at=None).first()
    if user is not None:
        mails.send_notice(user, payload["notice"], payload.get("session"))


@handles(registration.MAIL)
def send_verification(payload: dict[str, Any]) -> None:
    """Mail the code of a registration or of an unproved address, or tell its owner of the account they have."""
    code = _live_code(payload)
    if code is None:
        return
    user = selectors.user_with_email(code.address)
    if registration.awaits_verification(code, user):
        mails.send_code(code.address, code.language, codes.text_of(code))
    elif user is not None and code.password_hash and (user.is_active or user.awaiting_approval):
        notice = notices.STILL_WAITING if user.awaiting_approval else notices.ACCOUNT_EXISTS
        mails.send_notice(user, notice)


@handles(email_change.MAIL)
def send_email_change(payload: dict[str, Any]) -> None:
    """Mail the code for a new address to it; nothing where another account has it."""
    code = _live_code(payload)
    if code is not None and code.user is not None and selectors.user_with_email(code.address) is None:
        mails.send_code(code.address, code.user.language, codes.text_of(code))


def _live_code(payload: dict[str, Any]) -> MailedCode | None:
    live = MailedCode.objects.select_related("user").filter(expires_at__gt=clock.now())
    return live.filter(pk=payload["code"]).first()


@public_task(name="accounts.purge_sessions")
def purge_sessions() -> None:
    """Delete sessions past their time in every library and on the public site; every hour."""
    now = clock.now()
    with in_public():
        services.purge_sessions(now=now)
    in_each_library(open_libraries(), lambda: services.purge_sessions(now=now))
