"""The end of an account: everything that names its owner is emptied, the rows that others point at stay."""

from __future__ import annotations

from datetime import datetime

import structlog
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction

from saas.core.errors import NotAuthenticated
from saas.core.principals import Actor
from shared_apps.accounts import ports
from shared_apps.accounts.models import User, UserSession
from shared_apps.accounts.services.passwords import require_password
from shared_apps.accounts.services.sessions import end_all_sessions
from shared_apps.audit import services as audit
from shared_apps.security import services as security

log = structlog.get_logger("libraryhub.security")


def erase_account(*, user_id: int, password: str, address: str, by: Actor, now: datetime) -> None:
    """Erase the account of a signed-in user who has typed their password again; nothing brings it back.

    Also what the apps of ACCOUNT_ERASERS hold, and the personal values in the audit log. Raises ValidationFailed for
    a wrong password, RateLimited, and AccountInUse while an app has a reason why it must stay.
    """
    require_password(user_id=user_id, password=password, field="password", address=address)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotAuthenticated
        ports.require_may_erase(user.pk)
        end_all_sessions(user=user, reason="user.erased", by=by, now=now)
        ports.erase_elsewhere(user_id=user.pk, by=by, now=now)
        for rows in (EmailAddress.objects, Authenticator.objects, UserSession.objects, user.mailed_codes):
            rows.filter(user=user).delete()
        _empty(user, now)
        audit.record(action="user.erased", target=user, by=by, now=now)
        audit.forget_personal_values(user)
        security.forget_person(user_id=user.pk)
    log.info("user_erased", user_id=user_id)


def _empty(user: User, now: datetime) -> None:
    # No mailbox, and no address that anybody could register: the domain has no top level.
    user.email = f"erased-{user.pk}@invalid"
    user.name = user.language = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login, user.erased_at = None, now
    user.set_unusable_password()
    user.bump()
    user.save()
