"""Making accounts."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from saas.core.db.inserts import insert
from saas.core.db.integrity import refused_if_taken
from saas.core.principals import Actor
from shared_apps.accounts.errors import EmailTaken
from shared_apps.accounts.models import User
from shared_apps.accounts.services.passwords import check_new_password
from shared_apps.audit import services as audit


def create_user(
    *,
    email: str,
    name: str,
    password: str | None = None,
    password_hash: str | None = None,
    language: str = "",
    verified: bool,
    awaiting_approval: bool = False,
    is_staff: bool = False,
    is_superuser: bool = False,
    now: datetime,
    by: Actor,
) -> User:
    """Make an account in the current schema, with allauth's record of its address.

    Give `password`, which is checked by the rules for passwords, or `password_hash` in Django's format,
    which was checked when it was made; with neither the account has no password until one is set by mail.
    One that awaits approval is inactive until `approve_user`.
    `is_staff` and `is_superuser` mean something on the public site alone. Raises EmailTaken, and
    ValidationFailed for a weak password.
    """
    user = User(email=email.strip().lower(), name=name, language=language, date_joined=now)
    user.is_staff, user.is_superuser = is_staff, is_superuser
    user.awaiting_approval, user.is_active = awaiting_approval, not awaiting_approval
    if password_hash is not None:
        user.password = password_hash
    else:
        if password is not None:
            check_new_password(password, user, field="password")
        user.set_password(password)
    with transaction.atomic():
        _insert(user, verified=verified, now=now, by=by)
    return user


def create_first_user(
    *, email: str, name: str, password_hash: str, language: str, now: datetime, by: Actor
) -> User:
    """Make the first account of a library, with a verified address, in the caller's transaction.

    Nobody can have the address yet, so it does without the savepoint of `create_user`.
    """
    user = User(email=email.strip().lower(), name=name, language=language, date_joined=now)
    user.password = password_hash
    _insert(user, verified=True, now=now, by=by)
    return user


def _insert(user: User, *, verified: bool, now: datetime, by: Actor) -> None:
    with refused_if_taken(EmailTaken, savepoint=False):
        insert(user)
    insert(EmailAddress(user=user, email=user.email, verified=verified, primary=True))
    audit.record(
        action="user.created",
        target=user,
        by=by,
        changes={"verified": verified, "is_staff": user.is_staff},
        personal={"email": user.email, "name": user.name},
        now=now,
    )
