"""Timers around the places where a request passes from one part of the program to another.

What a release does not have is left out: the names below are of libraries and of the kernel, which change.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

OUTSIDE = "threads, WSGI"
# Part, module, and the function or method; of a class also what its subclasses have in its place.
SEAMS = (
    ("PostgreSQL: waiting, reading", "psycopg", "Connection.wait"),
    ("psycopg", "psycopg", "Cursor.execute"),
    ("psycopg", "psycopg", "Cursor.fetchone"),
    ("psycopg", "psycopg", "Cursor.fetchmany"),
    ("psycopg", "psycopg", "Cursor.fetchall"),
    ("Django's cursor", "django.db.backends.utils", "CursorWrapper.execute"),
    (
        "connection: health, age",
        "django.db.backends.base.base",
        "BaseDatabaseWrapper.close_if_unusable_or_obsolete",
    ),
    (
        "connection: health, age",
        "django.db.backends.base.base",
        "BaseDatabaseWrapper.close_if_health_check_failed",
    ),
    ("transactions", "django.db.transaction", "Atomic.__enter__"),
    ("transactions", "django.db.transaction", "Atomic.__exit__"),
    ("ORM: compiling SQL", "django.db.models.sql.compiler", "SQLCompiler.as_sql"),
    ("ORM: compiling SQL", "django.db.models.sql.compiler", "SQLCompiler.execute_sql"),
    ("ORM: rows to objects", "django.db.models.query", "QuerySet._fetch_all"),
    ("ORM: query sets", "django.db.models.query", "QuerySet._filter_or_exclude"),
    ("ORM: query sets", "django.db.models.query", "QuerySet._annotate"),
    ("ORM: query sets", "django.db.models.query", "QuerySet._clone"),
    ("ORM: saving", "django.db.models.base", "Model.save"),
    ("Redis", "redis", "Redis.execute_command"),
    ("Redis", "saas.core.api.limiter", "_run"),
    ("caller", "rest_framework.views", "APIView.perform_authentication"),
    ("caller: token", "jwt", "PyJWT.decode"),
    ("caller: token", "jwt.api_jwt", "PyJWT.decode_complete"),
    ("caller: row and rights", "saas.core.api.authentication", "load_caller"),
    ("permissions", "rest_framework.views", "APIView.check_permissions"),
    ("permissions", "rest_framework.views", "APIView.check_object_permissions"),
    ("throttle", "rest_framework.views", "APIView.check_throttles"),
    ("negotiation", "rest_framework.views", "APIView.perform_content_negotiation"),
    ("DRF: request, response", "rest_framework.views", "APIView.initialize_request"),
    ("DRF: request, response", "rest_framework.views", "APIView.finalize_response"),
    ("DRF: request, response", "django.template.response", "SimpleTemplateResponse.render"),
    ("endpoint", "rest_framework.views", "APIView.dispatch"),
    ("serializers", "rest_framework.serializers", "BaseSerializer.to_representation"),
    ("serializers", "rest_framework.serializers", "Serializer.to_representation"),
    ("serializers: input", "rest_framework.serializers", "BaseSerializer.is_valid"),
    ("writing JSON", "rest_framework.renderers", "BaseRenderer.render"),
    ("log", "structlog._base", "BoundLoggerBase._proxy_to_logger"),
    ("log", "logging", "Logger.handle"),
    ("metrics", "saas.core.metrics", "count_request"),
    ("addresses", "django.urls.resolvers", "URLResolver.resolve"),
    ("Django's handler", "django.core.handlers.base", "BaseHandler.get_response"),
    ("signals", "django.dispatch", "Signal.send"),
    ("messages to the broker", "celery.app.task", "Task.apply_async"),
)
# Where a thread begins and ends to work for a request. What other threads do meanwhile (wake a relay) is none of its time.
ROOTS = (
    ("Django's handler", "django.core.handlers.wsgi", "WSGIHandler.__call__"),
    ("Django's handler", "django.http.response", "HttpResponseBase.close"),
)


class Timers:
    """Seconds by part of the request that is running; one at a time, in the thread that works for it."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._thread = threading.local()

    def wrap(self, part: str, function: Callable[..., Any], *, root: bool = False) -> Callable[..., Any]:
        """The function, which from now on is charged to the part, without what is charged to others.

        Only a root is charged where nothing else is running.
        """

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            stack: list[float] = self._thread.__dict__.setdefault("stack", [])
            if not (stack or root):
                return function(*arguments, **named)
            stack.append(0.0)
            started = perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                taken = perf_counter() - started
                self.parts[part] = self.parts.get(part, 0.0) + taken - stack.pop()
                if stack:
                    stack[-1] += taken

        return timed


def install(timers: Timers) -> None:
    """Wrap every seam that there is, and the middleware of the settings."""
    for seams, root in ((SEAMS, False), (ROOTS, True)):
        for part, module, path in seams:
            for owner, name in places(module, path):
                setattr(owner, name, timers.wrap(part, vars(owner)[name], root=root))
    for middleware in middleware_classes():
        call = middleware.__call__
        middleware.__call__ = timers.wrap("middleware", call)


def places(module: str, path: str) -> Iterator[tuple[Any, str]]:
    """Where the function stands: its module, or the class and every subclass with one of its own.

    Nowhere, if the module was not loaded by the request that came before: a peer has no kernel.
    """
    found = sys.modules.get(module)
    if found is None:
        return
    owner, _, name = path.rpartition(".")
    if not owner:
        if name in vars(found):
            yield found, name
        return
    for one in family(getattr(found, owner, None)):
        if name in vars(one):
            yield one, name


def family(kind: Any) -> list[type]:
    """The class and all its subclasses."""
    found: dict[type, None] = {}
    waiting = [kind] if isinstance(kind, type) else []
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = None
            waiting += one.__subclasses__()
    return list(found)


def middleware_classes() -> list[Any]:
    """Every class that a list of middleware in the settings names."""
    from django.conf import settings
    from django.utils.module_loading import import_string

    lists = [getattr(settings, name) for name in dir(settings) if name.endswith("MIDDLEWARE")]
    named = dict.fromkeys(path for paths in lists if isinstance(paths, (list, tuple)) for path in paths)
    return [one for path in named if isinstance(one := import_string(path), type)]
