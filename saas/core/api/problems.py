"""Every refusal and every failure as an RFC 9457 problem document, from one place.

`exception_handler` serves the API views, `problem_response` the middleware, `handler400` to `handler500`
Django's resolver. Addresses of the API answer JSON whatever they were asked for; pages answer a page.
"""

import logging
import sys
from typing import Any

from django.conf import settings
from django.core.signals import got_request_exception
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist, loader
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views import View

from saas.core.api.failures import as_domain_error
from saas.core.api.renderers import dump
from saas.core.api.versions import nothing_there
from saas.core.errors import (
    CsrfFailed,
    DomainError,
    InternalError,
    MalformedBody,
    MethodNotAllowed,
    NotAuthenticated,
    PermissionDenied,
    error_class,
    summary,
)
from saas.core.headers import vary_on
from saas.core.language import language_for
from saas.core.logging import request_id
from saas.core.security_events import Kind, security_event

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
PROBLEM_PATH = "/api/problems/"
JSON_PREFIXES = ("/api/", "/health/", "/billing/stripe/")
_CHALLENGE = 'Bearer realm="api"'


class ProblemResponse(HttpResponse):
    """A problem document. Not a DRF Response, so that no negotiated renderer can turn it into CSV or MARC."""

    def __init__(self, error: DomainError) -> None:
        self.data = document(error)
        super().__init__(dump(self.data), status=error.status, content_type=CONTENT_TYPE)
        self["Cache-Control"] = "no-store"
        for name, value in error.headers.items():
            self[name] = value
        if error.status == NotAuthenticated.status:
            self["WWW-Authenticate"] = _CHALLENGE


def document(error: DomainError) -> dict[str, Any]:
    """Return the members of a problem document, its texts in the active language."""
    members: dict[str, Any] = dict(error.extension_members)
    members |= {
        "type": f"{PROBLEM_PATH}{error.code}/",
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail or error.title),
        "code": error.code,
        "request_id": request_id(),
    }
    if error.errors:
        members["errors"] = [problem.as_dict() for problem in error.errors]
    return members


def exception_handler(exception: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's EXCEPTION_HANDLER: any exception of an API view becomes a problem document."""
    _roll_back()
    view, request = context.get("view"), context.get("request")
    error = _translate(exception, request)
    if request is not None:
        _report(error, request)
    response = ProblemResponse(error)
    if error.status == NotAuthenticated.status and view is not None and request is not None:
        response["WWW-Authenticate"] = view.get_authenticate_header(request) or _CHALLENGE
    if view is not None and error.status == MethodNotAllowed.status:
        response["Allow"] = ", ".join(view.allowed_methods)
    return response


def problem_response(error: Exception, request: HttpRequest) -> HttpResponse:
    """Return what a middleware answers for `error`: JSON for the API and for who asks for it, else a page.

    The texts are in the language of the site's pages also where a middleware refuses before that is chosen.
    """
    language = language_for(request)
    with translation.override(language):
        domain_error = _translate(error, request)
        _report(domain_error, request)
        as_json = wants_json(request)
        response = ProblemResponse(domain_error) if as_json else _error_page(domain_error, request)
    response["Content-Language"] = language
    vary_on(response, "Accept-Language")
    return response


def wants_json(request: HttpRequest) -> bool:
    """Whether a problem on this address is answered as JSON: API, health, webhook, or preferred by Accept."""
    if request.path.startswith(JSON_PREFIXES):
        return True
    preferred = request.get_preferred_type(["text/html", "application/json", CONTENT_TYPE])
    return preferred in ("application/json", CONTENT_TYPE)


def handler400(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django itself found malformed or suspicious, whatever it calls that."""
    error = as_domain_error(exception) if exception is not None else None
    return problem_response(error or MalformedBody(), request)


def handler403(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a refusal outside of the API views."""
    return problem_response(exception or PermissionDenied(), request)


def handler404(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an address that no route matches."""
    return problem_response(nothing_there(request), request)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer an exception that left a view or a middleware; Django has logged it.

    Where a neighbour failed (no database while the library is looked up) the answer is 503, as it is in the API.
    """
    raised = sys.exception()
    return problem_response((as_domain_error(raised) if raised else None) or InternalError(), request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: the reason goes to the log alone."""
    logger.warning("CSRF check failed: %s", reason)
    return problem_response(CsrfFailed(), request)


def _report(error: DomainError, request: Any) -> None:
    """Refusals that an attack would meet become security events: of people who are known, and forged requests."""
    raw = getattr(request, "_request", request)
    if isinstance(error, CsrfFailed):
        security_event(Kind.CSRF_REFUSED, method=raw.method, route=_route_of(raw))
    elif isinstance(error, PermissionDenied):
        principal = getattr(raw, "_principal", None)
        if principal is not None and principal.is_authenticated:
            what = {"code": error.code, "method": raw.method, "route": _route_of(raw)}
            security_event(Kind.PERMISSION_DENIED, by=principal.actor, user_id=principal.user_id, **what)


def _route_of(request: HttpRequest) -> str:
    """The route's name: paths hold numbers of cards and the like, which are not for a log of attacks."""
    match = request.resolver_match
    return str(match.view_name) if match is not None else ""


class ProblemPage(View):
    """The page behind a problem's `type`: what the code means and when it is raised."""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Return the page. Raises NotFound for a code that does not exist."""
        cls = error_class(code)
        if cls is None:
            return handler404(request)
        body = format_html(
            "<h1>{title}</h1><p>{detail}</p><dl><dt>{code_label}</dt><dd><code>{code}</code></dd>"
            "<dt>{status_label}</dt><dd>{status}</dd><dt>{when_label}</dt><dd lang=en>{when}</dd></dl>",
            title=cls.title,
            detail=cls.detail,
            code_label=_("Code"),
            code=cls.code,
            status_label=_("HTTP status"),
            status=cls.status,
            when_label=_("When"),
            when=summary(cls),
        )
        return HttpResponse(_document_page(str(cls.title), body))


problem_urls: list[URLPattern] = [path("api/problems/<slug:code>/", ProblemPage.as_view(), name="problem")]


def _translate(exception: Exception, request: Any) -> DomainError:
    error = as_domain_error(exception)
    if error is not None:
        return error
    raw = getattr(request, "_request", request)
    where = f"{raw.method} {raw.path}" if raw is not None else "a task"
    logger.error("unhandled exception in %s", where, exc_info=exception)
    # Error reporters and Django's test client listen to this signal; DRF would have hidden the exception.
    got_request_exception.send(sender=None, request=raw)
    return InternalError()


def _roll_back() -> None:
    """Undo what the request wrote, also where a view caught its exception inside ATOMIC_REQUESTS."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _error_page(error: DomainError, request: HttpRequest) -> HttpResponse:
    values = {**document(error), "error": error}
    content: str
    try:
        content = loader.render_to_string("error.html", values, request=request)
    except TemplateDoesNotExist:
        content = _plain_page(values)
    except Exception:
        # The page of an error must not fail because of the error (no database, no library, no session).
        logger.exception("error.html failed")
        content = _plain_page(values)
    response = HttpResponse(content, status=error.status)
    response["Cache-Control"] = "no-store"
    for name, value in error.headers.items():
        response[name] = value
    return response


def _plain_page(values: dict[str, Any]) -> str:
    body = format_html(
        "<h1>{}</h1><p>{}</p><p><small>{}: {}</small></p>",
        values["title"],
        values["detail"],
        _("Request"),
        values["request_id"],
    )
    return _document_page(values["title"], body)


def _document_page(title: str, body: str) -> str:
    return format_html(
        '<!doctype html><html lang="{}"><head><meta charset="utf-8"><title>{}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        "<body><main>{}</main></body></html>",
        translation.get_language() or settings.LANGUAGE_CODE,
        title,
        body,
    )
