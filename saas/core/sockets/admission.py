"""Whether a handshake is let in: by its host as every request, by its origin, and by what the route says.

All of it is ordinary blocking code, for a thread.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from saas.core.api.failures import as_domain_error
from saas.core.api.problems import ProblemResponse
from saas.core.errors import DomainError, InternalError, NotFound
from saas.core.language import language_for
from saas.core.logging import bind_log_context, start_log_context
from saas.core.sockets.routes import SocketRoute
from saas.core.tenancy import LibraryContext, in_library, in_public
from saas.core.tenancy.hosts import UnknownHost, address_after_renaming, library_for_host, normalise_host
from saas.core.tenancy.middleware import LibraryNotFound, refusal_for

log = structlog.get_logger(__name__)
_SCHEMES = {"ws": "http", "wss": "https"}


class ForeignOrigin(DomainError):
    """A page of another site asked for a socket."""

    code, status, title = "foreign_origin", 403, _("Not from this page")
    detail = _("A page of another site has asked for this connection.")


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in where: `library` is None on the public site."""

    route: SocketRoute
    request: HttpRequest
    library: LibraryContext | None


def request_of(scope: Mapping[str, Any]) -> HttpRequest:
    """The handshake (or plain request) as Django's request: it is a GET with headers and no body."""
    scheme = scope.get("scheme", "http")
    plain = {**scope, "method": scope.get("method", "GET"), "scheme": _SCHEMES.get(scheme, scheme)}
    return ASGIRequest(plain, io.BytesIO())


def admit(request: HttpRequest, routes: Iterable[SocketRoute], identifier: str) -> Admission | HttpResponse:
    """Let a handshake in, or say why not; never raises. `identifier` is the request's, for this thread's log lines."""
    start_log_context(identifier)
    close_old_connections()
    try:
        return _admit(request, routes)
    except Exception as error:
        if as_domain_error(error) is None:
            log.exception("socket.handshake_failed")
        return refusal(error, request)
    finally:
        close_old_connections()


def refusal(error: Exception, request: HttpRequest) -> HttpResponse:
    """The problem document of an error, in the language of whoever asked."""
    with translation.override(language_for(request)):
        return ProblemResponse(as_domain_error(error) or InternalError())


def _admit(request: HttpRequest, routes: Iterable[SocketRoute]) -> Admission | HttpResponse:
    host = request.META.get("HTTP_HOST", "")
    try:
        library = library_for_host(host)
    except UnknownHost:
        raise LibraryNotFound from None
    request.library = library  # type: ignore[attr-defined]
    if library is not None:
        bind_log_context(library=library.subdomain)
        if address := address_after_renaming(host, library):
            target = f"{request.scheme}://{address}{request.get_full_path()}"
            return HttpResponseRedirect(target, preserve_request=True)
        if forbidden := refusal_for(library, request):
            raise forbidden
    route = next((route for route in routes if route.path == request.path_info), None)
    if route is None:
        raise NotFound
    _require_own_origin(request)
    with in_public() if library is None else in_library(library):
        route.admits(request)
    return Admission(route, request, library)


def _require_own_origin(request: HttpRequest) -> None:
    """A browser sends cookies with a socket of any page, and says whose page it is (ASVS 4.4.2).

    A program says nothing, and has no cookies of somebody else. Pages have the request's own port, or that of the
    public site, where no proxy puts both behind one. Raises ForeignOrigin.
    """
    origin = request.headers.get("Origin")
    public = urlsplit(settings.PUBLIC_URL)
    pages = f"{public.scheme}://{normalise_host(request.get_host())}" + (
        f":{public.port}" if public.port else ""
    )
    if origin is not None and origin not in (f"{request.scheme}://{request.get_host()}", pages):
        raise ForeignOrigin
