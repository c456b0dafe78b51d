"""Reading sign-ups. Works from any schema: it looks in the public one."""

from __future__ import annotations

import uuid
from datetime import datetime

from saas.core.errors import NotFound
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.signup import tokens
from shared_apps.signup.availability import Availability, availability_of
from shared_apps.signup.models import SignUp, SignUpStatus
from shared_apps.tenants.selectors import find_library_by_id

__all__ = ["Availability", "availability_of", "library_of", "sign_up", "sign_up_for_token", "status_of"]


def sign_up(identifier: uuid.UUID) -> SignUp:
    """The sign-up with this id. Raises NotFound."""
    with in_public():
        row = SignUp.objects.filter(pk=identifier).first()
    if row is None:
        raise NotFound
    return row


def sign_up_for_token(token: str) -> SignUp | None:
    """The sign-up that a mailed token belongs to, whatever its status, or None."""
    with in_public():
        return SignUp.objects.filter(token_digest=tokens.digest_of(token)).first()


def status_of(row: SignUp, *, now: datetime) -> str:
    """Status of a sign-up at this moment; one past its time is expired before the sweeper has marked it."""
    if row.status == SignUpStatus.PENDING and row.expires_at <= now:
        return SignUpStatus.EXPIRED.value
    return str(row.status)


def library_of(row: SignUp) -> LibraryContext | None:
    """The library that a sign-up has made, None before that and after its end."""
    return find_library_by_id(row.library_id) if row.library_id else None
