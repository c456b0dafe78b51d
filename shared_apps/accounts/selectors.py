"""Reading accounts of the current schema: a library's people, or platform staff in the public one."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Lower
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from saas.core.api.authentication import Caller
from shared_apps.accounts.models import User


def users() -> QuerySet[User]:
    """Every account, active or not."""
    return User.objects.all()


def user_with_email(email: str) -> User | None:
    """The account with this address in any case of its letters, or None.

    Compared as the unique index does: in capitals a dotless i would pass for an i.
    """
    return User.objects.alias(address=Lower("email")).filter(address=Lower(Value(email))).first()


def has_verified_email(user: User) -> bool:
    """Whether the owner of the account's address has confirmed it."""
    return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()


def open_sessions(session: str | None, *, user: Any) -> QuerySet[OutstandingToken]:
    """The session with this id if it is the user's and has not been ended; for use in `Exists`."""
    return OutstandingToken.objects.filter(jti=session, user=user, blacklistedtoken__isnull=True)


def load_caller(user_id: int, session: str | None) -> Caller | None:
    """A token's user and the state of the session, in one query; rights are left to `load_principal`.

    For the public site; a library's loader brings the rights along. A token without a session (made by
    simplejwt's own classes) lives until it expires.
    """
    is_open: Any = Value(True) if session is None else Exists(open_sessions(session, user=OuterRef("pk")))
    user: Any = users().filter(pk=user_id).annotate(_session_open=is_open).first()
    return None if user is None else Caller(user, None, bool(user._session_open))
