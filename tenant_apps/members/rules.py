"""The token in an invitation's link, and how an invitation stands."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from saas.core.jwt import library_keys
from tenant_apps.members.models import Invitation

LIFETIME: Final = timedelta(days=7)
# For so long after its end an invitation is listed; then the address of whoever did not come is forgotten.
KEEP: Final = timedelta(days=90)
OPEN, ACCEPTED, EXPIRED, REVOKED = "open", "accepted", "expired", "revoked"
STATES: Final = (OPEN, ACCEPTED, EXPIRED, REVOKED)
ACTIVE, DEACTIVATED, AWAITING_APPROVAL = "active", "deactivated", "awaiting_approval"
MEMBER_STATES: Final = (ACTIVE, DEACTIVATED, AWAITING_APPROVAL)
MAX_TOKEN_LENGTH: Final = 128
_TOKEN, _DIGEST = "invitation-token", "invitation-digest"


class TokenLostError(RuntimeError):
    """No secret key of this installation gives the stored digest: the key was changed without a fallback."""


def new_nonce() -> str:
    """128 random bits as text."""
    return secrets.token_hex(16)


def token_for(nonce: str) -> str:
    """The token that belongs to a nonce: 256 bits, made with the library's key and so good in this library alone."""
    return _token(next(library_keys(_TOKEN)), nonce)


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return digests_of(token)[0]


def digests_of(token: str) -> list[str]:
    """What may be stored of a token: under the key in use, then under older ones; no row of another library fits."""
    text = token.encode("utf-8", "surrogatepass")
    return [hmac.new(key, text, hashlib.sha256).hexdigest() for key in library_keys(_DIGEST)]


def rebuilt(nonce: str, digest: str) -> str:
    """The token that has this nonce and digest, for the mail. Raises TokenLostError."""
    for key in library_keys(_TOKEN):
        token = _token(key, nonce)
        if any(hmac.compare_digest(found, digest) for found in digests_of(token)):
            return token
    raise TokenLostError


def state_of(invitation: Invitation, *, now: datetime) -> str:
    """How an invitation stands."""
    if invitation.accepted_at is not None:
        return ACCEPTED
    if invitation.revoked_at is not None:
        return REVOKED
    return EXPIRED if invitation.expires_at <= now else OPEN


def _token(key: bytes, nonce: str) -> str:
    mac = hmac.new(key, nonce.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")
