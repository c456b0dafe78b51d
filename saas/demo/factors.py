"""The demo's second factors: platform staff must have one, so they get an authenticator app whose secret is printed."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.sealing import Unsealable
from saas.core.tenancy import in_public
from saas.demo import accounts
from shared_apps.accounts import selectors as people
from shared_apps.accounts.services import enrol_app


def staff_secret() -> str:
    """The secret of the app of platform staff, in base 32: the one from an earlier start, or a new one.

    A new one, too, where SECRET_KEY has changed meanwhile. Raises LookupError where there is no such account.
    """
    with in_public():
        user = people.user_with_email(accounts.STAFF)
        if user is None:
            raise LookupError(f"there is no account {accounts.STAFF}")
        app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
        if app is not None:
            try:
                return str(decrypt(app.data["secret"]))
            except Unsealable:
                app.delete()
        return enrol_app(user=user, by=SYSTEM, now=clock.now())
