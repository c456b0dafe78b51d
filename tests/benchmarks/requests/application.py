"""What every measured WSGI process serves: its application, and some questions about the process.

The application is what BENCHMARK_SERVES names (`module:name`), or the Django project of DJANGO_SETTINGS_MODULE. The
questions are asked between measurements, under a path that no project has:

    /-/memory/       resident memory of this process, and its proportional share (`introspection`), in bytes
    /-/trace/start/  from now on, write down what is sent to PostgreSQL
    /-/trace/stop/   how many statements that were, transaction commands included, and their texts
"""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import IO, Any

import orjson
import psycopg
from django.core.wsgi import get_wsgi_application

from tests.benchmarks.requests.introspection import memory
from tests.benchmarks.requests.trace import statements_in

StartResponse = Callable[..., Any]
CONTROL = "/-/"


def product() -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """The application that is measured."""
    module, _, name = os.environ.get("BENCHMARK_SERVES", "").partition(":")
    return getattr(import_module(module), name) if module else get_wsgi_application()


_product = product()


class _Trace:
    """The traces that are being written, one for each connection: a request is served by one of several threads."""

    files: list[tuple[psycopg.Connection[Any], IO[bytes]]] = []


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request of the project, or answer a question."""
    path = environ["PATH_INFO"]
    if not path.startswith(CONTROL):
        return _product(environ, start_response)
    body = orjson.dumps(_QUESTIONS[path]())
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def start_trace() -> dict[str, bool]:
    """Begin, on every connection that is open: requests came before."""
    _Trace.files = [(one, tempfile.TemporaryFile()) for one in _connections()]  # noqa: SIM115 - stop_trace closes them
    for connection, file in _Trace.files:
        connection.pgconn.trace(file.fileno())
    return {"tracing": True}


def stop_trace() -> dict[str, Any]:
    """End, and say what was sent; `whole` is False where a connection was opened meanwhile, whose part is missing."""
    traced, _Trace.files = _Trace.files, []
    found: dict[str, Any] = {"statements": 0, "texts": [], "whole": len(_connections()) == len(traced)}
    for connection, file in traced:
        if connection.closed:
            found["whole"] = False
        else:
            connection.pgconn.untrace()
        file.seek(0)
        with file:
            sent = statements_in(file.read().decode(errors="replace"))
        found["statements"] += sent["statements"]
        found["texts"] += sent["texts"]
    return found


def _connections() -> list[psycopg.Connection[Any]]:
    """Those to PostgreSQL that this process has open, whichever thread or pool holds them."""
    # (by type(): to ask a lazy object for its class would wake it up)
    found = (one for one in gc.get_objects() if issubclass(type(one), psycopg.Connection))
    return [one for one in found if not one.closed]


_QUESTIONS: dict[str, Callable[[], Any]] = {
    "/-/memory/": memory,
    "/-/trace/start/": start_trace,
    "/-/trace/stop/": stop_trace,
}
