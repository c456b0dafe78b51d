"""Addresses of a library site (`SLUG.BASE`, or a domain of the library's own)."""

from django.urls import include, path

from saas.core.api.openapi import schema_urls
from saas.core.api.problems import problem_urls
from saas.core.health import health_urls

handler400 = "saas.core.api.problems.bad_request"
handler403 = "saas.core.api.problems.permission_denied"
handler404 = "saas.core.api.problems.not_found"
handler500 = "saas.core.api.problems.server_error"

urlpatterns = [
    path("api/v1/auth/", include("shared_apps.accounts.api.urls")),
    path("api/v1/", include("tenant_apps.access.api.urls")),
    path("api/v1/", include("tenant_apps.preferences.api.urls")),
    path("api/v1/", include("tenant_apps.branches.api.urls")),
    path("api/v1/", include("tenant_apps.catalog.api.urls")),
    path("api/v1/", include("tenant_apps.patrons.api.urls")),
    path("api/v1/", include("tenant_apps.circulation.api.urls")),
    path("", include("tenant_apps.catalog.page_urls")),
    *schema_urls("saas.urls_library"),
    *problem_urls,
    *health_urls,
]
