"""The token in a mailed link.

It is computed from the sign-up's id, a random nonce of its row, and the secret key; the row keeps only its
digest. So whoever reads the database cannot use a link, whoever knows the key alone cannot either, and the
mail, which is written after the commit by another process, needs no token in the outbox: it computes it
again.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid

from django.conf import settings
from django.utils.crypto import salted_hmac

LENGTH = 43
_SALT = "shared_apps.signup.tokens"


class TokenLostError(RuntimeError):
    """No secret key of this installation gives the stored digest: the key was changed without a fallback."""


def new_nonce() -> str:
    """Return 128 random bits as text."""
    return secrets.token_hex(16)


def token_for(sign_up_id: uuid.UUID, nonce: str, *, key: str | bytes | None = None) -> str:
    """Return the token: 256 bits as 43 URL-safe characters. `key` is by default the current SECRET_KEY."""
    mac = salted_hmac(_SALT, f"{sign_up_id}:{nonce}", secret=key or settings.SECRET_KEY, algorithm="sha256")
    return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode("ascii")


def digest_of(token: str) -> str:
    """Return what is stored of a token: its SHA-256 as hexadecimal text."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def rebuilt(sign_up_id: uuid.UUID, nonce: str, digest: str) -> str:
    """Return the token that has this digest, trying SECRET_KEY and then SECRET_KEY_FALLBACKS.

    Raises TokenLostError.
    """
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        token = token_for(sign_up_id, nonce, key=key)
        if secrets.compare_digest(digest_of(token), digest):
            return token
    raise TokenLostError(str(sign_up_id))
