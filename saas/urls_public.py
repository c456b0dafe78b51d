"""Addresses of the public site (`BASE` itself): sign-up, plans, platform console, billing webhooks."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from saas.core.api.documentation import documentation_urls
from saas.core.api.problems import problem_urls
from saas.core.api.versions import version_urls
from saas.core.health import health_urls
from saas.core.metrics_page import metrics_urls

handler400 = "saas.core.api.problems.handler400"
handler403 = "saas.core.api.problems.handler403"
handler404 = "saas.core.api.problems.handler404"
handler500 = "saas.core.api.problems.handler500"

urlpatterns: list[URLPattern | URLResolver] = [
    version_urls(
        "v1",
        [
            path("auth/", include("shared_apps.accounts.api.urls")),
            path("", include("shared_apps.entitlements.api.urls")),
            path("", include("shared_apps.signup.api.urls")),
            path("", include("shared_apps.platform.api.urls")),
            path("platform/", include("shared_apps.audit.api.platform_urls")),
            path("", include("shared_apps.security.api.platform_urls")),
        ],
    ),
    path("", include("shared_apps.accounts.page_urls")),
    path("billing/", include("billing.api.urls")),
    path("internal/", include("shared_apps.tenants.api.internal_urls")),
    path("", include("shared_apps.signup.page_urls")),
    *documentation_urls("saas.urls_public"),
    *problem_urls,
    *metrics_urls,
    *health_urls,
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("saas.demo.urls")))
