"""Addresses of a library site (`SLUG.BASE`, or a domain of the library's own)."""

from django.urls import include, path

from saas.core.api.documentation import documentation_urls
from saas.core.api.problems import problem_urls
from saas.core.api.versions import version_urls
from saas.core.health import health_urls

handler400 = "saas.core.api.problems.handler400"
handler403 = "saas.core.api.problems.handler403"
handler404 = "saas.core.api.problems.handler404"
handler500 = "saas.core.api.problems.handler500"

urlpatterns = [
    version_urls(
        "v1",
        [
            path("auth/", include("shared_apps.accounts.api.urls")),
            path("", include("tenant_apps.federation.api.urls")),
            path("auth/registration/", include("shared_apps.accounts.api.registration_urls")),
            path("me/", include("shared_apps.accounts.api.me_urls")),
            path("", include("shared_apps.security.api.urls")),
            path("", include("shared_apps.tenants.api.urls")),
            path("", include("shared_apps.audit.api.library_urls")),
            path("", include("tenant_apps.access.api.urls")),
            path("", include("tenant_apps.keys.api.urls")),
            path("", include("tenant_apps.visits.api.urls")),
            path("", include("tenant_apps.members.api.urls")),
            path("", include("tenant_apps.preferences.api.urls")),
            path("", include("tenant_apps.branches.api.urls")),
            path("", include("tenant_apps.collections.api.urls")),
            path("", include("tenant_apps.catalog.api.urls")),
            path("", include("tenant_apps.patrons.api.urls")),
            path("", include("tenant_apps.circulation.api.urls")),
        ],
    ),
    path("", include("shared_apps.accounts.page_urls")),
    path("", include("shared_apps.accounts.sign_in_urls")),
    path("", include("tenant_apps.federation.page_urls")),
    path("", include("tenant_apps.members.page_urls")),
    path("", include("tenant_apps.catalog.page_urls")),
    path("", include("tenant_apps.patrons.page_urls")),
    path("", include("tenant_apps.circulation.page_urls")),
    *documentation_urls("saas.urls_library"),
    *problem_urls,
    *health_urls,
]
