"""The texts of this app's mails, and sending them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from saas.core.tenancy import current_library_or_none
from shared_apps.accounts.clients import device_of
from shared_apps.accounts.models import User, UserSession
from shared_apps.accounts.services import notices

_NOT_YOU: Final = _(
    "If it was not you, set a new password at once; that ends every session:\n\n%(reset)s\n",
)
NOTICES: Final[dict[str, tuple[str | Promise, str | Promise, bool]]] = {
    # notice: (subject, text, whether _NOT_YOU follows)
    notices.NEW_DEVICE: (
        _("New sign-in at %(site)s"),
        _(
            "Hello %(name)s,\n\nsomebody, probably you, has signed in at %(site)s with a device that was not used"
            " before:\n\n%(device)s\n%(network)s\n%(at)s\n\n"
        ),
        True,
    ),
    notices.SESSION_STOLEN: (
        _("A session at %(site)s was ended"),
        _(
            "Hello %(name)s,\n\na key of one of your sessions at %(site)s was used a second time, so somebody else may"
            " have a copy of it. That session was ended, for you as well:\n\n%(device)s\n%(network)s\n\nSign in again. "
        ),
        True,
    ),
    notices.EMAIL_CHANGE_REQUESTED: (
        _("A new e-mail address for your account at %(site)s"),
        _(
            "Hello %(name)s,\n\nsomebody, probably you, wants to give your account at %(site)s another e-mail address."
            " This one stays until the new one is confirmed.\n\n"
        ),
        True,
    ),
    notices.IDENTITY_LINKED: (
        _("Another way to sign in at %(site)s"),
        _(
            "Hello %(name)s,\n\nyour account at %(site)s was connected with one that you have at another site. That"
            " site can sign you in from now on. You can take the connection away again.\n\n"
        ),
        True,
    ),
    notices.APPROVED: (
        _("Welcome to %(site)s"),
        _("Hello %(name)s,\n\n%(site)s has approved your registration. Sign in here:\n\n%(sign_in)s\n"),
        False,
    ),
    notices.REFUSED: (
        _("Your registration at %(site)s"),
        _("Hello %(name)s,\n\n%(site)s has not approved your registration. Ask at the desk if you have questions.\n"),
        False,
    ),
    notices.ACCOUNT_EXISTS: (
        _("You have an account at %(site)s already"),
        _(
            "Hello %(name)s,\n\nsomebody, probably you, has tried to register at %(site)s with this address, which has"
            " an account already. Sign in here:\n\n%(sign_in)s\n\nor set a new password:\n\n%(reset)s\n\n"
            "If it was not you, do nothing: nothing has changed.\n"
        ),
        False,
    ),
    notices.STILL_WAITING: (
        _("Your registration at %(site)s"),
        _("Hello %(name)s,\n\nyour registration at %(site)s is waiting for approval. You will get a mail.\n"),
        False,
    ),
}  # fmt: skip
_CODE_SUBJECT: Final = _("Your code for %(site)s")
_CODE_TEXT: Final = _(
    "Hello,\n\nyour code for %(site)s is\n\n    %(code)s\n\nIt is good for fifteen minutes. Type it where you were"
    " asked for it, and give it to nobody.\n\nIf you have asked for nothing, do nothing.\n"
)


def send_notice(user: User, notice: str, session: str | None = None) -> None:
    """Tell a user what has happened to their account. Raises what the mail server answers."""
    subject, text, may_be_theft = NOTICES[notice]
    told = UserSession.objects.filter(sid=session).first() or UserSession()
    values = {
        "name": user.get_full_name(),
        "device": device_of(told.user_agent) or "?",
        "network": told.network or "?",
        "at": f"{told.started_at:%Y-%m-%d %H:%M} UTC" if told.started_at else "",
    }
    send(user.email, user.language, subject, [text, _NOT_YOU] if may_be_theft else [text], **values)


def send_code(to: str, language: str, code: str) -> None:
    """Mail a code to an address that is not proved yet; names nobody, because a stranger may have typed the name."""
    shown = f"{code[:4]}-{code[4:]}"
    send(to, language, _CODE_SUBJECT, [_CODE_TEXT], code=shown)


def send(
    to: str, language: str, subject: str | Promise, text: Sequence[str | Promise], **values: str
) -> None:
    """Send a mail in this language ("": the site's own), its parts filled with `values` and what the site is.

    Raises what the mail server answers, so that the outbox tries again.
    """
    library = current_library_or_none()
    own = settings.LANGUAGE_CODE if library is None else library.language
    filled = {
        "site": "LibraryHub" if library is None else library.name,
        "sign_in": f"{site_url()}{settings.LOGIN_URL}",
        "reset": f"{site_url()}/password/reset/",
        **values,
    }
    with translation.override(language or own):
        line = " ".join((str(subject) % filled).split())
        body = "".join(str(part) for part in text) % filled
    # No reply loops with answering machines.
    EmailMessage(line, body, None, [to], headers={"Auto-Submitted": "auto-generated"}).send()


def site_url() -> str:
    """Address of the current site without a final slash.

    The public site's, or the library's on the same port.
    """
    library = current_library_or_none()
    public = urlsplit(settings.PUBLIC_URL)
    if library is None:
        return f"{public.scheme}://{public.netloc}"
    port = f":{public.port}" if public.port else ""
    return f"{public.scheme}://{library.primary_host}{port}"
