"""People whom somebody else has proved: an identity provider that the library trusts.

The password is the only thing that this replaces. What keeps an account shut (closed, not approved) and its second
factor count as they do after a password; a provider's word on how well it has looked is not asked.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from saas.core.errors import NotAuthenticated
from saas.core.principals import ANONYMOUS, Actor
from shared_apps.accounts import ports, selectors
from shared_apps.accounts.clients import Client
from shared_apps.accounts.errors import AwaitingApproval, InvalidCredentials, RegistrationClosed
from shared_apps.accounts.models import User
from shared_apps.accounts.services import attempts
from shared_apps.accounts.services.second_factors import require_code
from shared_apps.accounts.services.sessions import start_session
from shared_apps.accounts.services.signing_in import SignedIn
from shared_apps.accounts.services.users import create_user
from shared_apps.audit import services as audit

log = structlog.get_logger("libraryhub.security")


def register_proved(*, email: str, name: str, language: str, by: Actor, now: datetime) -> User:
    """Make the account, without a password, of somebody whose address was verified elsewhere.

    As the library lets people register, and in the caller's transaction. Raises RegistrationClosed, and EmailTaken
    where there is an account. One that awaits approval cannot be signed in to yet (`sign_in_proved`).
    """
    mode = ports.registration_mode()
    if mode == ports.CLOSED:
        raise RegistrationClosed
    waits = mode == ports.APPROVAL
    user = create_user(
        email=email, name=name, language=language, verified=True, awaiting_approval=waits, now=now, by=by
    )
    if not waits:
        ports.admit_reader(user_id=user.pk, by=by, now=now)
    return user


def sign_in_proved(
    *, user_id: int, way: str, client: Client, otp: str | None = None, now: datetime
) -> SignedIn:
    """Open a session for a user whose identity the caller has proved, and who holds the second factor, if there is one.

    `way` names the provider. Raises RateLimited, MfaRequired, AwaitingApproval, and InvalidCredentials for an account
    that is closed; each is logged and audited.
    """
    user = selectors.users().filter(pk=user_id).first()
    attempt = attempts.begin(
        name=f"id {user_id}", user=user, address=client.address, device=client.device or None
    )
    try:
        if user is None or not user.is_active:
            raise AwaitingApproval if user is not None and user.awaiting_approval else InvalidCredentials
        require_code(user, otp, now=now)
    except NotAuthenticated as refusal:
        _refused(refusal, user, way, client, now)
        raise
    attempts.succeeded(attempt)
    with transaction.atomic():
        tokens = start_session(user=user, now=now, client=client, opened_with=way)
        audit.record(
            action="session.started",
            target=user,
            by=Actor(kind="person", user_id=user.pk),
            changes={"with": way},
            personal={"address": client.address},
            now=now,
        )
    log.info("signed_in", user_id=user.pk, address=client.address, way=way)
    return SignedIn(user, tokens, attempts.new_device(user))


def _refused(refusal: NotAuthenticated, user: User | None, way: str, client: Client, now: datetime) -> None:
    log.warning(
        "sign_in_refused", reason=refusal.code, user_id=user.pk if user else None, address=client.address
    )
    audit.record(
        action="session.refused",
        target=user,
        by=ANONYMOUS,
        changes={"reason": refusal.code, "with": way},
        personal={"address": client.address},
        now=now,
    )
