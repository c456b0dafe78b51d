"""Middleware of the API's own chain (settings.API_MIDDLEWARE): what the packages' does for pages, as far as it concerns
answers that are no pages, and cheaper.

What each leaves out cannot happen there: no answer of the API has a nonce or a policy of its own, no request without an
Origin header is one across origins, and no form is posted to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from corsheaders.middleware import CorsMiddleware
from csp.constants import HEADER as POLICY
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.security import SecurityMiddleware

from saas.core.headers import add_fixed, fixed, vary_on
from saas.core.middleware import OWN_HEADERS, UNCACHED

Answer = Callable[[HttpRequest], HttpResponseBase]


class ApiHeadersMiddleware(SecurityMiddleware):
    """The headers of SecurityHeadersMiddleware, CSPMiddleware and Django's own two for security and frames."""

    def __init__(self, get_response: Answer) -> None:
        super().__init__(get_response)
        self.get_response: Any = get_response
        always = {
            **OWN_HEADERS,
            **UNCACHED,
            "X-Frame-Options": settings.X_FRAME_OPTIONS,
            POLICY: build_policy(),
        }
        sent_by_django = {
            "X-Content-Type-Options": "nosniff" if settings.SECURE_CONTENT_TYPE_NOSNIFF else "",
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
        }
        always |= {name: value for name, value in sent_by_django.items() if value}
        self._always = fixed(always)
        self._over_tls = fixed({"Strict-Transport-Security": self._transport()}) if self.sts_seconds else ()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with all of them."""
        response: HttpResponseBase | None = self.process_request(request) if self.redirect else None
        if response is None:
            response = cast(HttpResponseBase, self.get_response(request))
        add_fixed(response, self._always)
        if self._over_tls and request.is_secure():
            add_fixed(response, self._over_tls)
        return response

    def _transport(self) -> str:
        subdomains = "; includeSubDomains" if self.sts_include_subdomains else ""
        return f"max-age={self.sts_seconds}{subdomains}{'; preload' if self.sts_preload else ''}"


class ApiCorsMiddleware(CorsMiddleware):
    """django-cors-headers, asked only where a request names its origin or may be a preflight."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as django-cors-headers does; to a request without an Origin it only says that answers vary by it."""
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return cast(HttpResponseBase, super().__call__(request))
        response = cast(HttpResponseBase, self.get_response(request))
        if self.is_enabled(request):
            vary_on(response, "origin")
        return response


class ApiCsrfMiddleware(CsrfViewMiddleware):
    """Takes the CSRF cookie and sends it, for signing in by cookie.

    Views of the API check the token themselves, where a cookie vouches for the caller
    (saas.core.api.authentication); any other view is checked as pages are.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the cookie where the view has changed it."""
        if "HTTP_COOKIE" in request.META:
            self.process_request(request)
        response = cast(HttpResponseBase, cast(Any, self).get_response(request))
        if request.META.get("CSRF_COOKIE_NEEDS_UPDATE"):
            return self.process_response(request, cast(Any, response))
        return response
