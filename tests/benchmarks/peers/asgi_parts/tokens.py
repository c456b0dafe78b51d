"""The product's tokens: signed with a key of the library, of a session, of a password."""

from __future__ import annotations

import functools
import hashlib
import hmac
from typing import Any

import jwt

from tests.benchmarks.peers.asgi_parts.libraries import Library
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.asgi_parts.settings import SECRET_KEY

_OPTIONS: Any = {"require": ["exp", "nbf", "iat", "jti", "iss", "aud", "sub"], "strict_aud": True}


@functools.lru_cache(maxsize=1024)
def key_of(library: Library, purpose: str) -> bytes:
    """The library's key for one purpose."""
    context = f"{purpose}:{library.schema}:{library.id}".encode()
    return hmac.new(SECRET_KEY, context, hashlib.sha256).digest()


def claims_of(authorization: str | None, library: Library) -> dict[str, Any]:
    """The claims of a bearer token. Raises Refused."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("not_authenticated", 401)
    try:
        claims = jwt.decode(
            token,
            key_of(library, "jwt"),
            algorithms=["HS256"],
            audience=library.id,
            issuer=library.id,
            options=_OPTIONS,
        )
    except jwt.InvalidTokenError as error:
        raise Refused("token_invalid", 401) from error
    if claims.get("token_type") != "access":
        raise Refused("token_invalid", 401)
    return claims


def require_password(claims: dict[str, Any], library: Library, password_hash: str) -> None:
    """Raise Refused where the password was changed after the token was made."""
    made = hmac.new(key_of(library, "password"), password_hash.encode(), hashlib.sha256).hexdigest()[:32]
    if not hmac.compare_digest(made, str(claims.get("pwd"))):
        raise Refused("token_invalid", 401)
