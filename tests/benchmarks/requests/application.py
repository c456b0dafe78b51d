"""What every measured process serves: the project that DJANGO_SETTINGS_MODULE names, and three questions about itself.

The questions are asked between measurements, under a path that no project has:

    /-/memory/       resident memory of this process, in bytes
    /-/trace/start/  from now on, write down what is sent to PostgreSQL
    /-/trace/stop/   how many statements that were, transaction commands included, and their texts
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, cast

import orjson
from django.core.wsgi import get_wsgi_application
from django.db import connection

from tests.benchmarks.requests.trace import statements_in

StartResponse = Callable[..., Any]
CONTROL = "/-/"
_STATM = Path("/proc/self/statm")
_product = get_wsgi_application()


class _Trace:
    """The trace that is being written. One thread serves all requests, so there is one connection to follow."""

    file: IO[bytes] | None = None


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request of the project, or answer a question."""
    path = environ["PATH_INFO"]
    if not path.startswith(CONTROL):
        return _product(environ, start_response)
    body = orjson.dumps(_QUESTIONS[path]())
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def memory() -> dict[str, int]:
    """Resident memory in bytes; where the system does not tell, the most that it has been."""
    if _STATM.is_file():
        return {"bytes": int(_STATM.read_text().split()[1]) * resource.getpagesize()}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"bytes": most if sys.platform == "darwin" else most * 1024}


def start_trace() -> dict[str, bool]:
    """Begin. The connection is open already: a request came before."""
    _Trace.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop_trace
    _pgconn().trace(_Trace.file.fileno())
    return {"tracing": True}


def stop_trace() -> dict[str, Any]:
    """End, and say what was sent."""
    _pgconn().untrace()
    file = cast("IO[bytes]", _Trace.file)
    file.seek(0)
    with file:
        return statements_in(file.read().decode(errors="replace"))


def _pgconn() -> Any:
    return cast("Any", connection.connection).pgconn


_QUESTIONS: dict[str, Callable[[], Any]] = {
    "/-/memory/": memory,
    "/-/trace/start/": start_trace,
    "/-/trace/stop/": stop_trace,
}
