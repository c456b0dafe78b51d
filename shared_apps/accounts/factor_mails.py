"""The mail that tells somebody what has changed in how their account is protected. Registered by `tasks`."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shared_apps.accounts import selectors
from shared_apps.accounts.factor_adapter import site_name
from shared_apps.accounts.services.own_factors import FACTOR_MAIL
from shared_apps.delivery.services import handles

_WHAT: Final = {
    "totp_added": gettext_lazy("An authenticator app was set up."),
    "totp_replaced": gettext_lazy("Another authenticator app took the place of the one before."),
    "totp_removed": gettext_lazy("The authenticator app was taken away."),
    "webauthn_added": gettext_lazy("A passkey was added."),
    "webauthn_removed": gettext_lazy("A passkey was taken away."),
    "factors_reset": gettext_lazy("Your second factors were taken away, as somebody has asked for."),
    "recovery_codes_renewed": gettext_lazy("New recovery codes were drawn; the old ones are dead."),
}


@handles(FACTOR_MAIL)
def send_factor_mail(payload: dict[str, Any]) -> None:
    """Tell the owner of an account what has changed; nothing for one who is gone or inactive."""
    user = selectors.users().filter(pk=payload["user"], is_active=True).first()
    if user is None:
        return
    with translation.override(user.language or settings.LANGUAGE_CODE):
        subject = _("How you sign in to %(site)s has changed") % {"site": site_name()}
        text = _(
            "Hello %(name)s,\n\n"
            "%(what)s Every other session of your account was ended.\n\n"
            "If it was not you, set a new password at once and tell the people who run %(site)s.\n"
        ) % {"name": user.get_full_name(), "what": _WHAT[payload["what"]], "site": site_name()}
        send_mail(" ".join(subject.split()), text, None, [user.email])
