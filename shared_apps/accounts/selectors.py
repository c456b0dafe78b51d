"""Reading accounts of the current schema: a library's people, or platform staff in the public one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import router
from django.db.models import Exists, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Lower
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from saas.core.api.fields import utc_text
from saas.core.db.binds import Bind
from shared_apps.accounts import ports
from shared_apps.accounts.models import MailedCode, User, UserSession
from shared_apps.audit import selectors as audit

EXPORTED_ENTRIES: Final = 10_000
USER_COLUMNS: Final = tuple(field.attname for field in User._meta.concrete_fields)


def users() -> QuerySet[User]:
    """Every account, active or not."""
    return User.objects.all()


def user_with_email(email: str) -> User | None:
    """The account with this address in any case of its letters, or None.

    Compared as the unique index does: in capitals a dotless i would pass for an i.
    """
    return User.objects.alias(address=Lower("email")).filter(address=Lower(Value(email))).first()


def registration_of(email: str) -> MailedCode | None:
    """The registration with this address that waits for its code, or None."""
    rows = MailedCode.objects.filter(purpose=MailedCode.Purpose.VERIFY, address=email.strip().lower())
    return rows.exclude(password_hash="").first()


def has_verified_email(user: User) -> bool:
    """Whether the owner of the account's address has confirmed it."""
    return EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()


def sessions_of(user_id: int) -> QuerySet[UserSession]:
    """A user's open sessions, those of browsers at the pages too."""
    is_open = Exists(open_sessions(OuterRef("sid"), user=OuterRef("user_id")))
    return UserSession.objects.filter(is_open, user=user_id)


def open_sessions(session: Any, *, user: Any) -> QuerySet[OutstandingToken]:
    """The session with this id if it is the user's and has not been ended; for use in `Exists`."""
    return OutstandingToken.objects.filter(jti=session, user=user, blacklistedtoken__isnull=True)


def factors_of(user: Any) -> QuerySet[Authenticator]:
    """A user's second factors: authenticator app and passkeys. Recovery codes stand in for one and are none."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user=user, type__in=kinds).order_by("pk")


def passkeys_of(user: Any) -> QuerySet[Authenticator]:
    """A user's passkeys, in the order in which they were added."""
    return factors_of(user).filter(type=Authenticator.Type.WEBAUTHN)


def recovery_codes_left(user: Any) -> int:
    """How many recovery codes of a user still work; nothing is decrypted for it."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        return 0
    return int(settings.MFA_RECOVERY_CODE_COUNT) - int(row.data["used_mask"]).bit_count()


def caller_columns() -> dict[str, Any]:
    """Annotations of `users()`: whether the session of the Bind `session` is open, whether there is a second factor."""
    session: Any = Bind("session", TextField())
    return {
        "session_open": Exists(open_sessions(session, user=OuterRef("pk"))),
        "has_factor": Exists(factors_of(OuterRef("pk"))),
    }


def user_from(values: Sequence[Any]) -> User:
    """The account whose USER_COLUMNS were read, as a query set would have made it."""
    return User.from_db(router.db_for_read(User), USER_COLUMNS, values)


def export_of_account(user_id: int, *, now: datetime) -> dict[str, Any]:
    """Everything that is kept of a user, as JSON; in a library with what the apps of ACCOUNT_EXPORTERS hold.

    Of the audit log the newest entries that they caused or that are about them, at most EXPORTED_ENTRIES. Passwords,
    secrets of second factors and tokens are left out: they are keys and not information.
    """
    user = users().get(pk=user_id)
    return {
        "exported_at": utc_text(now),
        "account": {
            "id": str(user.pk),
            "email": user.email,
            "email_verified": has_verified_email(user),
            "name": user.name,
            "language": user.language,
            "joined_at": utc_text(user.date_joined),
            "last_sign_in_at": utc_text(user.last_login) if user.last_login else None,
        },
        "sessions": [_told(row) for row in UserSession.objects.filter(user=user_id).order_by("-id")],
        "audit": audit.entries_of_account(user, limit=EXPORTED_ENTRIES),
        **ports.exported_elsewhere(user_id),
    }


def _told(row: UserSession) -> dict[str, Any]:
    return {
        "started_at": utc_text(row.started_at),
        "last_seen_at": utc_text(row.last_seen_at),
        "user_agent": row.user_agent,
        "network": row.network,
        "opened_with": row.opened_with,
    }
