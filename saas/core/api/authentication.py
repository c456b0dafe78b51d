"""Who calls: a JWT of this library, in the Authorization header or, for browsers, in an HttpOnly cookie.

The user's row, the state of the session and the caller's rights come in one query, which CALLER_LOADERS
names for each site; `request.user` and `principal_of(request)` are both filled from it. No view is imported
here: DRF loads its default classes while its views module is still loading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, QueryDict
from django.utils.module_loading import import_string
from rest_framework.authentication import CSRFCheck
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import Token

from saas.core.errors import CsrfFailed
from saas.core.jwt import (
    SESSION_CLAIM,
    VerifiedTokens,
    claimed_issuer,
    is_own_token,
    library_name,
    matches_password,
)
from saas.core.logging import bind_log_context
from saas.core.principals import Principal
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import current_library_or_none

ACCESS, REFRESH = "libraryhub-access", "libraryhub-refresh"
# Clients of late whose token need not be verified again, a kilobyte each.
VERIFIED = VerifiedTokens(limit=2048)


@dataclass(frozen=True, slots=True)
class Caller:
    """What the database knows of a token's user.

    `principal` is None where the loader leaves rights to `load_principal`. `session_open` is False once the
    session that the token names was ended.
    """

    user: AbstractBaseUser
    principal: Principal | None
    session_open: bool


CallerLoader = Callable[[int, str | None], Caller | None]


def cookie_name(name: str) -> str:
    """Name under which a token cookie travels.

    Over HTTPS with `__Host-`, which makes browsers refuse one that a sibling host has set for the whole
    domain (ASVS 3.3.1, 3.3.3).
    """
    return f"__Host-{name}" if settings.SESSION_COOKIE_SECURE else name


def require_csrf_token(request: HttpRequest | Request) -> None:
    """Check that a request which a cookie vouches for was sent by our own page, by its X-CSRFToken header.

    Raises CsrfFailed. The reason stays in the log of Django's check.
    """
    check = CSRFCheck(_no_response)
    shown = cast("HttpRequest", _HeaderOnly(getattr(request, "_request", request)))
    check.process_request(shown)
    if check.process_view(shown, None, (), {}):  # type: ignore[arg-type]
        raise CsrfFailed


class _HeaderOnly:
    """A request without its body.

    The token is taken from the header alone, so that no upload is read to find it.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._original = request
        self.POST = QueryDict()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def _no_response(_request: HttpRequest) -> Any:
    raise AssertionError("the CSRF check stands alone and calls nothing")


class LibraryJWTAuthentication(JWTAuthentication):
    """Accepts access tokens of the current library, of users who are active and have kept their password."""

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return (user, token); None without a token.

        Raises InvalidToken (401) for every kind of token that is not good, in the same words, and
        CsrfFailed (403) for a cookie on an unsafe method without its CSRF token.
        """
        header: bytes | None = self.get_header(request)
        if header is not None:
            raw: Any = self.get_raw_token(header)
        else:
            raw = request.COOKIES.get(cookie_name(ACCESS))
            if raw:
                require_csrf_token(request)
        if not raw:
            return None
        try:
            token = self.get_validated_token(raw)
        except InvalidToken:
            report_refused_token(raw)
            raise
        caller = load_caller(token)
        # What principal_of would ask for: one query brought it along.
        if caller.principal is not None:
            request._request._principal = caller.principal  # type: ignore[attr-defined]
        bind_log_context(user=caller.user.pk)
        return caller.user, token

    def get_validated_token(self, raw_token: bytes | str) -> Any:
        """Return the token behind this text. Raises InvalidToken.

        simplejwt verifies it once; after that its times are looked at (VerifiedTokens).
        """
        raw = raw_token if isinstance(raw_token, bytes) else raw_token.encode(errors="replace")
        token = VERIFIED.find(raw)
        if token is None:
            token = super().get_validated_token(raw)
            VERIFIED.keep(raw, token)
        return token


def report_refused_token(raw: str | bytes) -> None:
    """Report a token that this site did not make; one of its own that is past its time is nothing to report.

    Where it claims to come from is only written down.
    """
    if is_own_token(raw):
        return
    issuer = claimed_issuer(raw)
    if issuer is None or issuer == library_name():
        security_event(Kind.TOKEN_REFUSED)
    else:
        security_event(Kind.FOREIGN_TOKEN, issuer=issuer)


def load_caller(token: Token) -> Caller:
    """Return the user behind a verified token of this library.

    Raises InvalidToken where the user is gone or inactive, the password was changed, or the session ended.
    """
    site = "library" if current_library_or_none() else "public"
    loader = cast("CallerLoader", import_string(settings.CALLER_LOADERS[site]))
    subject = token.get(api_settings.USER_ID_CLAIM)
    if not isinstance(subject, str) or not (subject.isascii() and subject.isdigit() and len(subject) < 19):
        raise InvalidToken
    caller = loader(int(subject), token.get(SESSION_CLAIM))
    if caller is None or not caller.user.is_active or not caller.session_open:
        raise InvalidToken
    if not matches_password(token.get(api_settings.REVOKE_TOKEN_CLAIM), caller.user.password):
        raise InvalidToken
    return caller
