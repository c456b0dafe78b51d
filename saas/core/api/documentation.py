"""Serving the OpenAPI document, Swagger UI and Redoc: one document per site, local files, strict CSP."""

import hashlib
import threading
from typing import Any, ClassVar

from csp.decorators import csp_replace
from django.http import HttpResponse, HttpResponseBase
from django.templatetags.static import static
from django.urls import URLPattern, path
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import method_decorator
from django.utils.encoding import force_bytes
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings, spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from saas.core.api.deprecations import deprecation_urls
from saas.core.api.throttling import add_rate_limit_headers
from saas.core.api.versions import CURRENT, prefix_of

SCHEMA_PATH = "/api/schema/"
# The viewers put style elements into the page while they run; scripts stay limited to our own files.
_VIEWER_POLICY = {
    "default-src": ["'self'"],
    "script-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "worker-src": ["'self'", "blob:"],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
_viewer_csp = method_decorator(csp_replace(_VIEWER_POLICY), name="dispatch")


class _Limited:
    """Gives the pages the rate limit and its headers, like any other API address."""

    throttle_policies: ClassVar[tuple[str, ...]] = ("burst",)

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        add_rate_limit_headers(request, final)
        return final


class VersionGenerator(SchemaGenerator):
    """Documents the addresses of one version: those that begin as SCHEMA_PATH_PREFIX says."""

    def _get_paths_and_endpoints(self) -> list[Any]:
        prefix = f"{spectacular_settings.SCHEMA_PATH_PREFIX}/"
        endpoints: list[Any] = super()._get_paths_and_endpoints()  # type: ignore[no-untyped-call]
        return [endpoint for endpoint in endpoints if endpoint[0].startswith(prefix)]


class DocumentView(_Limited, SpectacularAPIView):
    """The OpenAPI document of one version of one site, generated once per language and form.

    Generating takes seconds, so it must not be a caller's choice how often that happens (ASVS 15.2.2).
    """

    generator_class = VersionGenerator
    _made: ClassVar[dict[tuple[str, ...], bytes]] = {}
    _making: ClassVar[threading.Lock] = threading.Lock()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        """Return the document in the form that Accept asks for, or 304."""
        renderer = request.accepted_renderer
        language = translation.get_language() or ""
        version = str((self.custom_settings or {}).get("SCHEMA_PATH_PREFIX", ""))
        key = (str(self.urlconf), version, language, renderer.media_type)
        with self._making:  # the generator patches settings of the whole process
            if key not in self._made:
                with patched_settings(self.custom_settings):
                    made: Any = self._get_schema_response(request)  # type: ignore[no-untyped-call]
                self._made[key] = force_bytes(renderer.render(made.data, renderer.media_type, {}))
        body = self._made[key]
        response = HttpResponse(body, content_type=f"{renderer.media_type}; charset=utf-8")
        etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
        response["ETag"] = etag
        response["Cache-Control"] = "no-cache"
        patch_vary_headers(response, ("Accept", "Accept-Language"))
        return get_conditional_response(request._request, etag=etag, response=response) or response

    def _get_version_parameter(self, request: Request) -> None:
        """Ignore ?version=: what is kept for everybody must not depend on what one caller asked for."""


@_viewer_csp
class SwaggerView(_Limited, SpectacularSwaggerSplitView):
    """Swagger UI whose start-up script is a request of its own, so that no inline script is needed."""

    template_name = "api/swagger_ui.html"

    @staticmethod
    def _swagger_ui_resource(filename: str) -> str:
        return static(f"drf_spectacular_sidecar/swagger-ui-dist/{filename}")

    @staticmethod
    def _swagger_ui_favicon() -> str:
        return static("drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png")


@_viewer_csp
class RedocView(_Limited, SpectacularRedocView):
    """Redoc as an element that its own script finds: no inline script, no fonts from elsewhere."""

    template_name = "api/redoc.html"

    @staticmethod
    def _redoc_standalone() -> str:
        return static("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")


def schema_view(urlconf: str, *, title: str | None = None, version: str = CURRENT) -> Any:
    """Return the view of the OpenAPI document of a version of the site whose routes are in `urlconf`."""
    patches = {"SCHEMA_PATH_PREFIX": prefix_of(version), "VERSION": f"{version[1:]}.0.0"}
    return DocumentView.as_view(
        urlconf=urlconf, custom_settings={**patches, **({"TITLE": title} if title else {})}
    )


def documentation_urls(urlconf: str, *, title: str | None = None, version: str = CURRENT) -> list[URLPattern]:
    """Return the routes api/schema/, api/docs/, api/redoc/ and api/deprecations/ of one site.

    Those of another version than the current one have it in their addresses: api/schema/v2/.
    """
    part, suffix = ("", "") if version == CURRENT else (f"{version}/", f"-{version}")
    viewer: dict[str, Any] = {"url": SCHEMA_PATH + part, **({"title": title} if title else {})}
    document = schema_view(urlconf, title=title, version=version)
    return [
        path(f"api/schema/{part}", document, name=f"schema{suffix}"),
        path(f"api/docs/{part}", SwaggerView.as_view(**viewer), name=f"api-docs{suffix}"),
        path(f"api/redoc/{part}", RedocView.as_view(**viewer), name=f"api-redoc{suffix}"),
        *([] if part else deprecation_urls),
    ]
