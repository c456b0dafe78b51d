"""Middleware that every request passes: request id and access log, security headers, language, slashes, size."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import is_valid_path
from django.utils import translation

from saas.core import metrics
from saas.core.api.problems import problem_response
from saas.core.errors import BodyTooLarge, LengthRequired
from saas.core.headers import add_fixed, fixed, vary_on
from saas.core.language import language_for
from saas.core.logging import start_log_context, write_access_line
from saas.core.security_events import source_is

Answer = Callable[[HttpRequest], HttpResponseBase]
# Nothing of a device is used; passkeys (publickey-credentials-*) are, by the pages of the site itself.
_PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "bluetooth",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
)
OWN_HEADERS = {"Permissions-Policy": _PERMISSIONS_POLICY, "Cross-Origin-Resource-Policy": "same-origin"}
UNCACHED = {"Cache-Control": "no-store, private"}
_NO_CONTENT = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"}
_API = ("/api/", "/health/", "/billing/")


class RequestContextMiddleware:
    """Takes or makes the request id, returns it, and writes one access line for each request."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with `X-Request-ID`."""
        identifier = start_log_context(request.META.get("HTTP_X_REQUEST_ID", ""))
        request.request_id = identifier  # type: ignore[attr-defined]
        source_is(request)
        started = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = identifier
        # Who called was bound to the context where they were recognised: to look here would read in the wrong schema.
        write_access_line(
            method=request.method,
            path=request.path_info,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )
        metrics.count_request(request, response.status_code)
        return response


class SecurityHeadersMiddleware:
    """Headers that Django's own middleware does not set, on every answer (ASVS 3.4, 14.2.2, 14.3.2)."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        # Answers that no view made (unknown host, refused early) never reached the middleware that sets the last two.
        framing = {"X-Frame-Options": settings.X_FRAME_OPTIONS, **_NO_CONTENT}
        self._everywhere, self._uncached = fixed({**OWN_HEADERS, **framing}), fixed(UNCACHED)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answers of the API are private and cannot be rendered as a page; pages get a permissions policy."""
        response = self.get_response(request)
        add_fixed(response, self._everywhere)
        if not request.path_info.startswith(settings.STATIC_URL):
            add_fixed(response, self._uncached)
        return response


class LanguageMiddleware:
    """Accept-Language, then the library's own language; no cookie and no session is read for it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the negotiated language and say so in `Content-Language`."""
        language = language_for(request)
        translation.activate(language)
        request.LANGUAGE_CODE = language
        try:
            response = self.get_response(request)
        finally:
            translation.activate(settings.LANGUAGE_CODE)
        response.headers.setdefault("Content-Language", language)
        vary_on(response, "Accept-Language")
        return response


class SlashMiddleware:
    """A page asked for without its trailing slash is redirected; the API answers 404, so that no POST body is lost."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Redirect GET and HEAD of a path that exists only with a slash."""
        path = request.path_info
        if request.method in {"GET", "HEAD"} and not path.endswith("/") and not path.startswith(_API):
            urlconf = getattr(request, "urlconf", None)
            if (
                not is_valid_path(path, urlconf)
                and is_valid_path(f"{path}/", urlconf)
                and not path.startswith("//")
            ):
                query = request.META.get("QUERY_STRING", "")
                return HttpResponseRedirect(f"{path}/" + (f"?{query}" if query else ""))
        return self.get_response(request)


class BodyLengthMiddleware:
    """Refuses a body whose end is not announced: there is one way of finding where a request ends (ASVS 4.2.1).

    WSGI would show such a body as an empty one, and what was sent would silently be left out.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 411 to a request in chunks."""
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return problem_response(LengthRequired(), request)
        return self.get_response(request)


class BodyLimitMiddleware:
    """Refuses a page's form that is too large before any of it is read: to find the CSRF token, all of it would be.

    A view that takes more says so with `max_body_bytes()`. Views of the API limit themselves, parser by parser.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as the view does."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, callback: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Answer 413 where the announced length is too much; without one no body is read at all."""
        if hasattr(callback, "cls"):
            return None
        limit = getattr(getattr(callback, "view_class", callback), "max_body_bytes", None)
        most = limit() if limit is not None else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        announced = str(request.META.get("CONTENT_LENGTH") or "0")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > most:
            return problem_response(BodyTooLarge(max_bytes=most), request)
        return None
