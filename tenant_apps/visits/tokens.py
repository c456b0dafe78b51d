"""The token of a visit: 256 bits that the visitor alone has; the schema holds a digest that is good here alone."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from saas.core.jwt import library_keys


def new_token() -> str:
    """A token of 43 characters that nobody can guess."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored of a token: an HMAC under the current library's key, so that a copied row opens nothing."""
    return digests(token)[0]


def digests(token: str) -> list[str]:
    """What may be stored of a token, under the present key and those that were rotated out."""
    return [hmac.new(key, token.encode(), hashlib.sha256).hexdigest() for key in library_keys("visit")]
