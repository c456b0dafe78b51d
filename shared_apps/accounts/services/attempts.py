"""Guessing is slow, for one account and from one address, and the owner of the account still gets in.

Only failures count: an attempt is charged before the password is looked at, so that parallel guesses cannot
slip through, and given back when it succeeds. Other people's failures stay counted. Failures lock an account
for the address that they came from; only many more, from whatever addresses, lock it for all. A browser that
has signed in before holds a device cookie and is counted on its own, so that even those do not lock out the
account's owner (OWASP Authentication Cheat Sheet, device cookies).
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.core.cache import cache

from saas.core import metrics
from saas.core.api import limiter
from saas.core.api.limiter import Charge, Outcome
from saas.core.api.throttling import policy
from saas.core.errors import RateLimited
from saas.core.jwt import library_name
from saas.core.principals import ANONYMOUS
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_schema
from shared_apps.accounts.models import User
from shared_apps.audit import services as audit

ACCOUNT, ANYWHERE, ADDRESS = "login-account", "login-account-anywhere", "login-address"
DEVICE_MAX_AGE = 180 * 24 * 3600


def begin(*, name: str, user: User | None, address: str, device: str | None = None) -> Outcome | None:
    """Charge one attempt to an account and to an address; None while limits are switched off.

    `name` stands for an account that does not exist. Raises RateLimited, logged, and audited once a window.
    """
    if not settings.RATE_LIMITS_ENABLED:
        return None
    known = _device_subject(device, user)
    who = f"user:{user.pk}" if user is not None else f"name:{name.lower()}"
    subject = known or f"{who} {address}"
    charges = [_charge(ACCOUNT, subject), _charge(ADDRESS, address)]
    outcome = limiter.consume(charges if known else [*charges, _charge(ANYWHERE, who)])
    if outcome.allowed:
        return outcome
    locked = [state.policy.name for state in outcome.states if state.remaining == 0]
    for name_of_policy in locked:
        metrics.count_rate_limited(name_of_policy)
    security_event(
        Kind.SIGN_IN_LIMITED,
        user_id=user.pk if user is not None else None,
        address=address,
        policies=locked,
    )
    window = max(state.policy.window for state in outcome.states)
    if cache.add(f"sign-in-limited:{limiter.digest(subject + address)}", 1, timeout=window):
        audit.record(
            action="session.limited",
            target=user,
            by=ANONYMOUS,
            changes={"policies": locked},
            personal={"address": address},
        )
    raise RateLimited(retry_after=outcome.retry_after)


def succeeded(outcome: Outcome | None) -> None:
    """Give the attempt back; what others have failed with stays counted."""
    if outcome is not None:
        limiter.give_back(outcome)


def new_device(user: User) -> str:
    """A signed value for the cookie that remembers that this browser has signed in as this user, here."""
    return signing.dumps([user.pk, secrets.token_hex(16)], salt=_device_salt())


def knows_device(device: str | None, user: User) -> bool:
    """Whether this is a cookie that `new_device` made for this user, here."""
    return _device_subject(device, user) is not None


def _device_subject(device: str | None, user: User | None) -> str | None:
    if device is None or user is None or len(device) > 500:
        return None
    try:
        owner, nonce = signing.loads(device, salt=_device_salt(), max_age=DEVICE_MAX_AGE)
    except (signing.BadSignature, ValueError):
        return None
    return f"device:{nonce}" if owner == user.pk else None


def _device_salt() -> str:
    return f"accounts.device:{current_schema()}:{library_name()}"


def _charge(name: str, subject: str) -> Charge:
    return Charge(policy(name), f"{current_schema()}:{name}:{limiter.digest(subject)}")
