"""JSON Web Tokens that are true in one library alone.

A claim that names the library is not enough: whatever forgets to check it (a refresh or verify endpoint)
would accept a neighbour's token. So the signing key itself is derived from the secret key and the current
schema and library, and a token of one library has a wrong signature everywhere else. Issuer and audience
are checked as well.

`install` replaces two things of simplejwt, its one backend object and its MD5 of the password hash;
tests/saas/core/test_jwt.py fails when simplejwt stops reading them.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from copy import copy
from functools import lru_cache
from threading import Lock
from typing import Any

import jwt
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import constant_time_compare
from django.utils.encoding import force_bytes
from rest_framework_simplejwt import authentication, state, tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from saas.core.tenancy import PUBLIC, current_library_or_none, current_schema

ALGORITHM = "HS256"
# The session that a token belongs to: ending it ends its access tokens too, before they expire.
SESSION_CLAIM = "sid"
MAX_TOKEN_LENGTH = 4096
_SIGNATURE_ALONE: Any = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}
_TIMES = ("exp", "nbf", "iat")
_REQUIRED = ["exp", "nbf", "iat", "jti", "iss", "aud", "sub"]


def library_name() -> str:
    """Issuer and audience of the current site: the library's id, or "public"."""
    library = current_library_or_none()
    return PUBLIC if library is None else str(library.id)


def library_keys(purpose: str) -> Iterator[bytes]:
    """Yield the current library's keys for one purpose, 32 bytes each: first the one in use, then older ones.

    HMAC-SHA256 of the secret key over purpose, schema and library id: who knows one library's key knows no
    other's.
    """
    context = f"{purpose}:{current_schema()}:{library_name()}"
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _derived(secret, context)


@lru_cache(maxsize=10_000)
def _derived(secret: str | bytes, context: str) -> bytes:
    return hmac.digest(force_bytes(secret), context.encode(), "sha256")


def password_fingerprint(password_hash: str) -> str:
    """What a token remembers of the password it was made under.

    Says nothing about the password or its hash.
    """
    return _fingerprint(next(library_keys("password")), password_hash)


def matches_password(fingerprint: object, password_hash: str) -> bool:
    """Whether a fingerprint was made under this password hash, with the present or a rotated-out key."""
    text = fingerprint if isinstance(fingerprint, str) else ""
    return any(
        constant_time_compare(text, _fingerprint(key, password_hash)) for key in library_keys("password")
    )


def _fingerprint(key: bytes, password_hash: str) -> str:
    return hmac.new(key, password_hash.encode(), hashlib.sha256).hexdigest()[:32]


class LibraryTokenBackend(TokenBackend):
    """Signs and checks tokens with the current library's key.

    HS256 and nothing else, whatever a header asks for.
    """

    def __init__(self) -> None:
        super().__init__(ALGORITHM, leeway=api_settings.LEEWAY)

    def encode(self, payload: dict[str, Any]) -> str:
        """Return the signed token, issued by and for the current library, valid from its `iat` on."""
        claims = {**payload, "iss": library_name(), "aud": library_name(), "nbf": payload["iat"]}
        return jwt.encode(claims, next(library_keys("jwt")), algorithm=ALGORITHM)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """Return the claims. Raises TokenBackendError, or its subclass TokenBackendExpiredToken.

        `verify=False` is ignored: nothing here reads a token that nobody signed.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenBackendError("Token is too long")
        refusal: jwt.InvalidTokenError | None = None
        for key in library_keys("jwt"):
            try:
                return self._claims(token, key)
            except jwt.InvalidSignatureError as error:
                refusal = error
            except jwt.ExpiredSignatureError as error:
                raise TokenBackendExpiredToken("Token is expired") from error
            except jwt.InvalidTokenError as error:
                raise TokenBackendError("Token is invalid") from error
        raise TokenBackendError("Token is invalid") from refusal

    def _claims(self, token: Any, key: bytes) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=library_name(),
            issuer=library_name(),
            leeway=self.get_leeway(),
            options={"require": _REQUIRED, "strict_aud": True},
        )


class VerifiedTokens:
    """Tokens that were found good, so that a client's next request need not prove its token's signature again.

    A token is found by a digest under the library's present keys: in another library, or once a key was changed, it is
    unknown. Its times are looked at each time; whether its session is open is the database's to say.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tokens: OrderedDict[bytes, Token] = OrderedDict()
        self._lock = Lock()

    def find(self, raw: bytes) -> Token | None:
        """A token of one's own with the claims of this text; None where it must be verified."""
        digest = self._digest(raw)
        with self._lock:
            token = self._tokens.get(digest)
            if token is None:
                return None
            self._tokens.move_to_end(digest)
        return _copy(token, raw) if _is_in_time(token.payload) else None

    def keep(self, raw: bytes, token: Token) -> None:
        """Remember a token that was verified; the one that was asked for longest ago is forgotten beyond the limit."""
        if not all(type(token.payload.get(name)) is int for name in _TIMES):
            return
        with self._lock:
            self._tokens[self._digest(raw)] = _copy(token, None)
            while len(self._tokens) > self._limit:
                self._tokens.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._tokens.clear()

    def _digest(self, raw: bytes) -> bytes:
        return hmac.digest(b"".join(library_keys("jwt")), raw, "sha256")


def _copy(token: Token, text: Any) -> Token:
    """Another object with the same claims, since a request may change its own; what is kept has no text of a token."""
    own = copy(token)
    own.token, own.payload = text, dict(token.payload)
    return own


def _is_in_time(payload: Mapping[str, Any]) -> bool:
    """What PyJWT and simplejwt ask of a token's times."""
    now, leeway = time.time(), state.token_backend.get_leeway().total_seconds()
    begun: bool = payload["nbf"] <= now + leeway and payload["iat"] <= now + leeway
    return begun and payload["exp"] > now - leeway


def is_own_token(token: str | bytes) -> bool:
    """Whether the current library signed this, be it past its time or of another kind than was asked for."""
    return len(token) <= MAX_TOKEN_LENGTH and any(_is_signed_with(token, key) for key in library_keys("jwt"))


def claimed_issuer(token: str | bytes) -> str | None:
    """Where a token that nobody has checked says it comes from; for the log alone."""
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        return None
    return issuer if isinstance(issuer, str) else None


def _is_signed_with(token: str | bytes, key: bytes) -> bool:
    try:
        jwt.decode(token, key, algorithms=[ALGORITHM], options=_SIGNATURE_ALONE)
    except jwt.InvalidTokenError:
        return False
    return True


def install() -> None:
    """Make every token of simplejwt go through LibraryTokenBackend and remember the password by our hash.

    simplejwt puts the MD5 of the password hash into each token: no key, and MD5 (ASVS 11.4.1).
    """
    state.token_backend = LibraryTokenBackend()
    for module in (tokens, authentication):
        if not hasattr(module, "get_md5_hash_password"):
            raise ImproperlyConfigured(
                f"{module.__name__} has changed: look again at how it remembers passwords"
            )
        vars(module)["get_md5_hash_password"] = password_fingerprint
