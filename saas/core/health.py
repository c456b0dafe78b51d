"""Liveness and readiness. Liveness asks nothing of others; readiness asks the parts that every request needs."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from saas.core.tenancy import in_public

log = structlog.get_logger(__name__)


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when every part answers, 503 with the failing ones named otherwise; names of parts, never their errors."""
    checks = {name: _passes(name, check) for name, check in CHECKS.items()}
    good = all(checks.values())
    body = {
        "status": "ok" if good else "unavailable",
        "checks": {n: "ok" if ok else "failed" for n, ok in checks.items()},
    }
    return JsonResponse(body, status=200 if good else 503)


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        passed = check()
    except Exception:
        # Whatever a neighbour raises, the answer is that it is not ready; the log has the reason.
        log.warning("health.check_failed", check=name, exc_info=True)
        return False
    return passed


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone() == (1,))


def _cache() -> bool:
    # The cache hides its faults from requests (a miss); here they must show.
    return bool(cache.client.get_client(write=True).ping())  # type: ignore[attr-defined]


def _broker() -> bool:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
    return True


def _migrations() -> bool:
    """Whether the public schema is up to date; libraries lag behind while a release rolls out, and that is no fault."""
    with in_public():
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "cache": _cache,
    "broker": _broker,
    "migrations": _migrations,
}
health_urls = [
    path("health/live/", live, name="health-live"),
    path("health/ready/", ready, name="health-ready"),
]
