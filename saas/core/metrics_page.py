"""`/metrics` of the public site: the counters of saas.core.metrics, for who knows METRICS_TOKEN and nobody else."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from saas.core import metrics
from saas.core.api.problems import handler404


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The counters of this machine; 404, as for a page that does not exist, without the token."""
    sent = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(sent, f"Bearer {settings.METRICS_TOKEN}"):
        return handler404(request)
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


metrics_urls = [path("metrics", show, name="metrics")]
