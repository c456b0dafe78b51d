"""Signing in: one way for every client, with the same answer in the same time for whatever is wrong.

allauth's backend checks the password and hashes a dummy where there is no account; allauth.mfa checks the
second factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import structlog
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.module_loading import import_string

from saas.core.errors import NotAuthenticated
from saas.core.principals import ANONYMOUS, Actor
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_library_or_none
from shared_apps.accounts import selectors
from shared_apps.accounts.clients import Client
from shared_apps.accounts.errors import AwaitingApproval, EmailNotVerified, InvalidCredentials, MfaRequired
from shared_apps.accounts.models import User
from shared_apps.accounts.services import attempts
from shared_apps.accounts.services.sessions import SessionTokens, start_session
from shared_apps.audit import services as audit

log = structlog.get_logger("libraryhub.security")
# No account can have this address: what is checked against it costs a hash and fails.
_NOBODY = "nobody@invalid"
_CODES = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody sent to sign in: an address or a card number, a password, and perhaps a code."""

    password: str = field(repr=False)
    email: str | None = None
    card_number: str | None = None
    otp: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user and a new session. `device` is for the cookie that `attempts` reads at the next sign-in."""

    user: User
    tokens: SessionTokens
    device: str


def sign_in(
    *,
    credentials: Credentials,
    address: str,
    device: str | None = None,
    user_agent: str = "",
    now: datetime,
) -> SignedIn:
    """Open a session for whoever knows the password and holds the second factor, if the account has one.

    `address` names where the request came from (throttling.address_subject); `device` is a browser's cookie, "" of
    one that has none yet, None of a client that keeps no cookies. Raises RateLimited,
    InvalidCredentials, EmailNotVerified, AwaitingApproval or MfaRequired; each is logged and audited, all but the
    first two only after the right password.
    """
    user = _account_of(credentials)
    name = credentials.email or f"card {credentials.card_number}"
    attempt = attempts.begin(name=name, user=user, address=address, device=device)
    try:
        proved = _prove(user, credentials)
    except NotAuthenticated as refusal:
        security_event(
            Kind.SIGN_IN_REFUSED,
            user_id=user.pk if user else None,
            address=address,
            now=now,
            reason=refusal.code,
        )
        audit.record(
            action="session.refused",
            target=user,
            by=ANONYMOUS,
            changes={"reason": refusal.code},
            personal={"address": address},
            now=now,
        )
        raise
    attempts.succeeded(attempt)
    with transaction.atomic():
        client = Client(address, user_agent, device)
        way = "card" if credentials.card_number else "email"
        tokens = start_session(user=proved, now=now, client=client, opened_with=way)
        audit.record(
            action="session.started",
            target=proved,
            by=Actor(kind="person", user_id=proved.pk),
            changes={"with": way},
            personal={"address": address},
            now=now,
        )
    log.info("signed_in", user_id=proved.pk, address=address)
    return SignedIn(proved, tokens, attempts.new_device(proved))


def _account_of(credentials: Credentials) -> User | None:
    """Whose account this claims to be.

    Says nothing about the password. One query for an address as for a card.
    """
    if credentials.email is not None:
        return selectors.user_with_email(credentials.email)
    if current_library_or_none() is None or credentials.card_number is None:
        return None
    resolve = cast("Callable[[str], int | None]", import_string(settings.CARD_ACCOUNT_RESOLVER))
    user_id = resolve(credentials.card_number)
    return None if user_id is None else selectors.users().filter(pk=user_id).first()


def _prove(user: User | None, credentials: Credentials) -> User:
    waiting = _waiting(user, credentials)
    if waiting is not None:
        hashed, refusal = waiting
        raise refusal if check_password(credentials.password, hashed) else InvalidCredentials
    email = user.email if user is not None else _NOBODY
    proved = authenticate(request=None, email=email, password=credentials.password)
    # allauth looks for the address among all addresses of all users: only the account that was counted will
    # do.
    if user is None or proved is None or proved.pk != user.pk:
        raise InvalidCredentials
    if not selectors.has_verified_email(user):
        raise EmailNotVerified
    _require_second_factor(user, credentials.otp)
    # Not `user`: where the password was hashed in an older way, `proved` has the new hash, which tokens remember.
    return proved


def _waiting(user: User | None, credentials: Credentials) -> tuple[str, type[NotAuthenticated]] | None:
    """The password hash of an account that is not open yet, and what its owner is told; one query in any case."""
    code = selectors.registration_of(credentials.email or "")
    if user is None and code is not None:
        return code.password_hash, EmailNotVerified
    if user is not None and user.awaiting_approval:
        return user.password, AwaitingApproval
    return None


def _require_second_factor(user: User, otp: str | None) -> None:
    factors = list(Authenticator.objects.filter(user=user).order_by("pk"))
    if not factors:
        return
    for factor in factors:
        # A WebAuthn key has no code that could be sent here: such an account needs one of the others.
        if otp and factor.type in _CODES and factor.wrap().validate_code(otp):
            factor.record_usage()
            return
    raise MfaRequired
