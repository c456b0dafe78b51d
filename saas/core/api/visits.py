"""Platform staff inside a library, by a token that the library's own schema knows: `Authorization: Visit TOKEN`.

The middleware stands outside of everything that a library answers with, so that each request of a visit is recorded
before its answer leaves, whatever became of it; the authentication class only says who the middleware has found. What
opens, finds and records visits is named in settings.VISITS: the kernel imports no app. No view is imported here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from saas.core import clock
from saas.core.api.fields import parse_id
from saas.core.api.problems import problem_response
from saas.core.errors import PermissionDenied, TokenInvalid
from saas.core.logging import bind_log_context
from saas.core.principals import Principal, WithoutAccount
from saas.core.security_events import Kind, security_event

Answer = Callable[[HttpRequest], HttpResponseBase]
SCHEME = "visit"
MAX_TOKEN_LENGTH = 200
MAX_PATH_LENGTH = 300
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class VisitReadOnly(PermissionDenied):
    """Platform staff on a visit that is read-only tried to change something."""

    code = "visit_read_only"
    title = _("This visit is read-only")
    detail = _("You are visiting this library and may look, and change nothing.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visit that goes on, with the rights that it has at this request. It is `request.auth` of such a caller."""

    visit: uuid.UUID
    principal: Principal
    may_write: bool

    @property
    def rate_limit_subject(self) -> str:
        """Each visit is counted on its own."""
        return f"visit:{self.visit}"


class VisitAuthentication(BaseAuthentication):
    """Accepts the token of a visit that goes on, on the host of its library alone."""

    def authenticate(self, request: Request) -> tuple[WithoutAccount, Visitor] | None:
        """Return (nobody's account, the visit); None without such a token. Raises TokenInvalid (401)."""
        if visit_token(request._request) is None:
            return None
        visitor: Visitor | None = getattr(request._request, "visitor", None)
        if visitor is None:
            security_event(Kind.VISIT_REFUSED)
            raise TokenInvalid
        request._request._principal = visitor.principal  # type: ignore[attr-defined]
        return WithoutAccount(), visitor

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Visit realm="api"'


class VisitMiddleware:
    """Finds the visit behind a request, keeps a read-only one from changing anything, and records the request."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the library that is current. No answer leaves unrecorded: where that fails, the request fails."""
        token = visit_token(request)
        if token is None or getattr(request, "library", None) is None:
            return self.get_response(request)
        visitor = cast("Visitor | None", _named("load")(token, now=clock.now()))
        if visitor is None:
            return self.get_response(request)
        request.visitor = visitor  # type: ignore[attr-defined]
        bind_log_context(visit=str(visitor.visit))
        if request.method not in _READS and not visitor.may_write:
            request._principal = visitor.principal  # type: ignore[attr-defined]  # who was refused
            response: HttpResponseBase = problem_response(VisitReadOnly(), request)
        else:
            response = self.get_response(request)
        _named("record")(
            visitor=visitor,
            method=(request.method or "")[:16],
            path=recorded_path(request),
            status=response.status_code,
            now=clock.now(),
        )
        return response


def visit_token(request: HttpRequest) -> str | None:
    """The token of an `Authorization: Visit` header; "" for one that cannot be a token, None without such a header."""
    scheme, _space, token = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() != SCHEME:
        return None
    token = token.strip()
    return token if token.isascii() and token.isprintable() and len(token) <= MAX_TOKEN_LENGTH else ""


def recorded_path(request: HttpRequest) -> str:
    """The request's path as logs may keep it: without the query, and with `{card}` where a card number stood.

    Ids stay. A path that leads nowhere is cut, and what cannot be printed replaced.
    """
    try:
        match = resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        shown = "".join(char if char.isprintable() else "?" for char in request.path_info)
        return shown[:MAX_PATH_LENGTH]
    return "/" + _PARAMETER.sub(lambda found: _shown(found[1], match.kwargs), match.route)


def _shown(name: str, values: dict[str, Any]) -> str:
    value = values.get(name)
    is_id = isinstance(value, uuid.UUID) or (name in {"pk", "id"} and parse_id(value) is not None)
    return str(value) if is_id else f"{{{name}}}"


def _named(port: str) -> Callable[..., Any]:
    return cast("Callable[..., Any]", import_string(settings.VISITS[port]))
