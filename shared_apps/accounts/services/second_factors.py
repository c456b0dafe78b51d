"""Looking at second factors: which ones an account has, and whether a code is right now, once.

allauth.mfa keeps them and makes the numbers (RFC 4226, RFC 6238). That a code works once is ours: allauth
remembers a used code in the cache, where it is forgotten with Redis; here the row remembers the time step it was
for, under its lock, so that of many requests with one code one succeeds.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction

from saas.core.api import limiter
from saas.core.api.limiter import Charge
from saas.core.api.throttling import policy
from saas.core.errors import RateLimited
from saas.core.sealing import Unsealable
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_schema
from shared_apps.accounts.errors import MfaRequired
from shared_apps.accounts.models import User

log = structlog.get_logger("libraryhub.security")
GUESSES = "login-code"
TOTP, RECOVERY, WEBAUTHN = "totp", "recovery_codes", "webauthn"
STEP = 30  # seconds, RFC 6238
# A code that was typed at the last moment is still on its way.
LATE = 10
MAX_CODE = 32


def methods_of(user: User) -> list[str]:
    """Kinds of factor that an account has, each once: "totp", "webauthn", "recovery_codes"; empty without any."""
    kinds = Authenticator.objects.filter(user=user).order_by("pk").values_list("type", flat=True)
    return list(dict.fromkeys(kinds))


def require_code(user: User, code: str | None, *, now: datetime) -> None:
    """Pass a user without a factor, and one whose code is right; the code is spent by it.

    Raises MfaRequired, which names the methods, for a missing or wrong code (allauth's `TOTP`, or a recovery code),
    and RateLimited after too many wrong ones.
    """
    methods = methods_of(user)
    if not methods:
        return
    if not code or not check_code(user, code, now=now):
        raise MfaRequired(methods=methods)


def check_code(user: User, code: str, *, now: datetime) -> bool:
    """Whether this is the code of the account's app at `now`, or an unused recovery code; true once for each.

    Wrong ones are counted for the account, whoever sends them, before they are looked at: parallel guesses and new
    sign-ins share one budget. Raises RateLimited.
    """
    taken = _charge(user)
    if len(code) > MAX_CODE or not _spend(user, code, now):
        security_event(Kind.CODE_REFUSED, user_id=user.pk, now=now)
        return False
    if taken is not None:
        limiter.give_back(taken)
    return True


def matching_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The time step, later than `after`, whose code this is; None where it is not the code of now."""
    for seconds in (int(now.timestamp()), int(now.timestamp()) - LATE):
        step = seconds // STEP
        expected = format_hotp_value(hotp_value(secret, step))
        if step > after and compare_user_code(actual=code, expected=expected):
            return step
    return None


def _spend(user: User, code: str, now: datetime) -> bool:
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update(no_key=True).filter(user=user).order_by("pk")
        for factor in rows.filter(type__in=(TOTP, RECOVERY)):
            try:
                fits = (
                    _spend_totp(factor, code, now) if factor.type == TOTP else _spend_recovery(factor, code)
                )
            except Unsealable:
                # A copied row, or a key that is gone: no code of this factor can be right.
                log.error("second_factor_unreadable", user_id=user.pk, factor=factor.pk)
                continue
            if fits:
                Authenticator.objects.filter(pk=factor.pk).update(last_used_at=now)
                return True
    return False


def _spend_totp(factor: Authenticator, code: str, now: datetime) -> bool:
    secret = decrypt(factor.data["secret"])
    step = matching_step(secret, code, now=now, after=factor.data.get("last_step", 0))
    if step is None:
        return False
    factor.data["last_step"] = step
    factor.save(update_fields=["data"])
    return True


def _spend_recovery(factor: Authenticator, code: str) -> bool:
    return bool(RecoveryCodes(factor).validate_code(code))


def _charge(user: User) -> limiter.Outcome | None:
    if not settings.RATE_LIMITS_ENABLED:
        return None
    subject = f"{current_schema()}:{GUESSES}:{limiter.digest(f'user:{user.pk}')}"
    taken = limiter.consume([Charge(policy(GUESSES), subject)])
    if not taken.allowed:
        security_event(Kind.SIGN_IN_LIMITED, user_id=user.pk, policies=[GUESSES])
        raise RateLimited(retry_after=taken.retry_after)
    return taken
