"""Counters for Prometheus: security events, requests, refusals of the rate limits.

Every process counts in a file of its own below METRICS_DIR (prometheus-client's multi-process form): microseconds, no
network. Whoever is asked for the sums reads all files of the machine. A file outlives its process, so no count is lost
with a worker. Labels come from lists that the code has: nobody outside can make new ones.
"""

from __future__ import annotations

import functools
import os
from http import HTTPMethod

from django.conf import settings
from django.http import HttpRequest

settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
# Read when prometheus_client is imported, and at no other moment.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from saas.core.tenancy import PUBLIC, current_schema

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset(method.value for method in HTTPMethod)
_own = CollectorRegistry()
_events = Counter("libraryhub_security_events", "Security events by kind", ["kind", "site"], registry=_own)
_requests = Counter(
    "libraryhub_requests", "Answered requests by route", ["route", "method", "status"], registry=_own
)
_limited = Counter(
    "libraryhub_rate_limited", "Requests that a rate limit refused", ["policy", "site"], registry=_own
)
_deprecated = Counter(
    "libraryhub_deprecated", "Answers with something that will go", ["what", "caller", "site"], registry=_own
)


def count_security_event(kind: str) -> None:
    """Count an event of the current site; `kind` is one of saas.core.security_events.Kind."""
    _events.labels(kind, _site()).inc()


def count_rate_limited(policy: str) -> None:
    """Count a refusal; `policy` is a name of settings.RATE_LIMITS."""
    _limited.labels(policy, _site()).inc()


def count_deprecated(what: str, caller: str) -> None:
    """Count an answer that shows a deprecated field or route, by its name and the kind of caller."""
    _deprecated.labels(what, caller, _site()).inc()


def count_request(request: HttpRequest, status: int) -> None:
    """Count an answer by the name of its route ("none" where no route matched) and the class of its status ("2xx")."""
    match = request.resolver_match
    route = (match.view_name or "unnamed") if match is not None else "none"
    method = request.method if request.method in _METHODS else "other"
    _counter(route, method, status // 100).inc()


@functools.cache
def _counter(route: str, method: str, hundreds: int) -> Counter:
    """The one that counts these; found here without a lock and a tuple of texts for each request."""
    return _requests.labels(route, method, f"{hundreds}xx")


def exposition() -> bytes:
    """The sums over all processes of this machine, in Prometheus's text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(settings.METRICS_DIR))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _site() -> str:
    return "public" if current_schema() == PUBLIC else "library"
