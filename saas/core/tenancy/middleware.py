"""Chooses the site and the schema of a request by its host, and gives the schema back afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import set_urlconf
from django.utils.translation import gettext_lazy as _

from saas.core.api.problems import problem_response
from saas.core.errors import DomainError
from saas.core.logging import bind_log_context
from saas.core.tenancy.context import LibraryContext, in_library, in_public
from saas.core.tenancy.hosts import UnknownHost, address_after_renaming, library_for_host

Answer = Callable[[HttpRequest], HttpResponseBase]
_READS = {"GET", "HEAD", "OPTIONS"}
# What a suspended library may still do (api.md): sign in, bill, export, answer health checks.
_OPEN_WHEN_SUSPENDED = (
    "/api/v1/auth/",
    "/api/v1/billing/",
    "/api/v1/exports/",
    "/health/",
    "/static/",
    "/sign-in/",
    "/sign-out/",
    "/password/",
)


class LibraryNotFound(DomainError):
    """No library has this host name."""

    code, status, title = "library_not_found", 404, _("There is no library at this address")
    detail = _("Look whether the name is written as the library writes it.")


class LibrarySuspended(DomainError):
    """The library is suspended: its people can sign in, pay and export, nothing else."""

    code, status, title = "library_suspended", 402, _("This library is suspended")
    detail = _("Its people can sign in, and nothing else. Ask the library when it opens again.")


class LibraryRestricted(DomainError):
    """The library is read-only until its subscription is paid."""

    code, status, title = (
        "library_restricted",
        402,
        _("This library is read-only at the moment"),
    )
    detail = _("Everything can be read, and nothing can be changed.")


class LibraryClosed(DomainError):
    """The library has closed."""

    code, status, title = "library_closed", 410, _("This library has closed")
    detail = _("Its catalogue and its accounts cannot be used any more.")


class LibraryMiddleware:
    """Sets `request.library` (None on the public site), the URL configuration and the connection's schema."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the schema that the host names; 404 for an unknown host, 402 or 410 for one that is not open.

        A subdomain that the library gave up leads to its new one, with the same method and body.
        """
        host = request.META.get("HTTP_HOST", "")
        try:
            library = library_for_host(host)
        except UnknownHost:
            return problem_response(LibraryNotFound(), request)
        request.library = library  # type: ignore[attr-defined]
        if library is None:
            return self._answer(request, settings.PUBLIC_URLCONF, in_public())
        bind_log_context(library=library.subdomain)
        if address := address_after_renaming(host, library):
            # For now, not for good: the name may be another library's one day, and browsers remember a 301 or 308.
            target = f"{request.scheme}://{address}{request.get_full_path()}"
            return HttpResponseRedirect(target, preserve_request=True)
        if refusal := refusal_for(library, request):
            return problem_response(refusal, request)
        return self._answer(request, settings.LIBRARY_URLCONF, in_library(library))

    def _answer(self, request: HttpRequest, urlconf: str, schema: Any) -> HttpResponseBase:
        request.urlconf = urlconf
        set_urlconf(urlconf)
        # Not `with`: a streamed body is read after this returns, and its queries must run in the same schema. The
        # schema is put back when the response is closed, which every WSGI server does.
        schema.__enter__()
        try:
            response = self.get_response(request)
        except BaseException:
            schema.__exit__(None, None, None)
            raise
        if not getattr(response, "streaming", False):
            schema.__exit__(None, None, None)
        else:
            cast(Any, response)._resource_closers.append(lambda: schema.__exit__(None, None, None))
        return response


def refusal_for(library: LibraryContext, request: HttpRequest) -> DomainError | None:
    """Why a library's status forbids this request, or None (api.md, conventions)."""
    path = request.path_info
    if library.status in {"closed", "deleted"}:
        return LibraryClosed()
    if library.status == "suspended" and not path.startswith(_OPEN_WHEN_SUSPENDED):
        return LibrarySuspended()
    if (
        library.status == "restricted"
        and request.method not in _READS
        and not path.startswith(_OPEN_WHEN_SUSPENDED)
    ):
        return LibraryRestricted()
    if library.status == "provisioning":
        return LibraryNotFound()
    return None
