"""Signing in: one way for every client, with the same answer in the same time for whatever is wrong.

The password is checked here and not by allauth's backend, which looks through the whole table where there is no
such address; `second_factors` checks the code, `passkeys` what stands for both. An identity provider
(tenant_apps.federation) stands for the password alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import structlog
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils.module_loading import import_string

from saas.core.errors import NotAuthenticated
from saas.core.principals import ANONYMOUS, Actor
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_library_or_none
from shared_apps.accounts import selectors
from shared_apps.accounts.clients import Client
from shared_apps.accounts.errors import AwaitingApproval, EmailNotVerified, InvalidCredentials
from shared_apps.accounts.models import User
from shared_apps.accounts.services import attempts, passkeys
from shared_apps.accounts.services.passkeys import Credential, RelyingParty
from shared_apps.accounts.services.second_factors import require_code
from shared_apps.accounts.services.sessions import SessionTokens, start_session
from shared_apps.audit import services as audit

log = structlog.get_logger("libraryhub.security")
# Unusable, as Django writes it: what is checked against it costs a hash and fails.
_UNUSABLE = "!"


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
        proved = _prove(user, credentials, now)
    except NotAuthenticated as refusal:
        _refused(user, refusal, address, now)
        raise
    attempts.succeeded(attempt)
    client = Client(address, user_agent, device)
    return _open(proved, client, how="card" if credentials.card_number else "email", now=now)


def sign_in_with_passkey(
    *, credential: Credential, flow: str | None, site: RelyingParty, client: Client, now: datetime
) -> SignedIn:
    """Open a session for whoever holds a passkey of this library and host and has verified themselves to it.

    `flow` is the secret that `passkeys.begin_sign_in` was given. Raises RateLimited, PasskeyRefused, EmailNotVerified.
    """
    attempt = attempts.begin(name=f"passkey {credential['rawId']}", user=None, address=client.address)
    try:
        user = passkeys.verify(flow, credential, site=site, now=now)
        _require_verified_email(user)
    except NotAuthenticated as refusal:
        _refused(None, refusal, client.address, now)
        raise
    attempts.succeeded(attempt)
    return _open(user, client, how="passkey", now=now)


def sign_in_proved(
    *, user_id: int, how: str, client: Client, otp: str | None = None, now: datetime
) -> SignedIn:
    """Open a session for somebody whom an identity provider has proved, which replaces the password and nothing else.

    What keeps an account shut counts, and its second factor: a provider's word on how well it has looked is not asked.
    `how` names the provider. Raises RateLimited, MfaRequired, AwaitingApproval, and InvalidCredentials for an account
    that is closed; each is logged and audited.
    """
    user = selectors.users().filter(pk=user_id).first()
    attempt = attempts.begin(name=f"{how} {user_id}", user=user, address=client.address, device=client.device)
    try:
        if user is None or not user.is_active:
            raise AwaitingApproval if user is not None and user.awaiting_approval else InvalidCredentials
        require_code(user, otp, now=now)
    except NotAuthenticated as refusal:
        _refused(user, refusal, client.address, now)
        raise
    attempts.succeeded(attempt)
    return _open(user, client, how=how, now=now)


def _refused(user: User | None, refusal: NotAuthenticated, address: str, now: datetime) -> None:
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


def _open(user: User, client: Client, *, how: str, now: datetime) -> SignedIn:
    with transaction.atomic():
        tokens = start_session(user=user, now=now, client=client, opened_with=how)
        audit.record(
            action="session.started",
            target=user,
            by=Actor(kind="person", user_id=user.pk),
            changes={"with": how},
            personal={"address": client.address},
            now=now,
        )
    log.info("signed_in", user_id=user.pk, address=client.address)
    return SignedIn(user, tokens, attempts.new_device(user))


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


def _prove(user: User | None, credentials: Credentials, now: datetime) -> User:
    """The account, proved. The same query and two hashes before any refusal that tells nothing, whatever there is.

    A registration that waits is looked at beside an account too: whoever has registered with an address and then signs
    in with it would learn from the answer, or its time, whether somebody has it already.
    """
    waiting = selectors.registration_of(credentials.email or "")
    # Where the password was hashed in an older way, `user` has the new hash after this, which tokens remember.
    if user is None:
        check_password(credentials.password, _UNUSABLE)
    elif user.check_password(credentials.password) and (user.is_active or user.awaiting_approval):
        if user.awaiting_approval:
            raise AwaitingApproval
        _require_verified_email(user)
        require_code(user, credentials.otp, now=now)
        return user
    hashed = waiting.password_hash if waiting is not None else _UNUSABLE
    raise EmailNotVerified if check_password(credentials.password, hashed) else InvalidCredentials


def _require_verified_email(user: User) -> None:
    if not selectors.has_verified_email(user):
        raise EmailNotVerified
