"""The measured view called in the process of a contender, without HTTP, and what that sends to PostgreSQL."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from itertools import cycle, islice
from typing import Any, cast

from tests.benchmarks.tenancy.view import PATH

# One line for each message; F is what the client sends, B what the server answers.
_MESSAGE = re.compile(r"^\S+ \S+\t([FB])\t\d+\t(\w+)", re.MULTILINE)
_TRIPS = {("F", "Query"), ("F", "Execute")}
_application: Any = None


def bodies(hosts: Sequence[str]) -> list[str]:
    """The view's answer at each host. Raises RuntimeError for a status other than 200."""
    return [_call(host) for host in hosts]


def seconds(hosts: Sequence[str], count: int) -> float:
    """Seconds for so many requests, to the hosts in turn."""
    wanted = list(islice(cycle(hosts), count))
    started = time.perf_counter()
    for host in wanted:
        _call(host)
    return time.perf_counter() - started


def sent(hosts: Sequence[str], count: int) -> dict[str, float]:
    """For one request: messages sent that make the server work (`trips`), statements that it finished.

    Read from libpq's own trace. A message may hold several statements; the server answers each.
    """
    from django.db import connection

    _call(hosts[0])
    pgconn = cast(Any, connection.connection).pgconn
    with tempfile.TemporaryFile() as file:
        pgconn.trace(file.fileno())
        seconds(hosts, count)
        pgconn.untrace()
        if cast(Any, connection.connection).pgconn is not pgconn:
            raise RuntimeError("the connection was replaced while its statements were counted")
        file.seek(0)
        return counted(file.read().decode(errors="replace"), count)


def counted(trace: str, requests: int) -> dict[str, float]:
    """Trips and statements for each of the requests that the trace holds."""
    messages = _MESSAGE.findall(trace)
    trips = sum(message in _TRIPS for message in messages)
    statements = sum(message == ("B", "CommandComplete") for message in messages)
    return {"trips": trips / requests, "statements": statements / requests}


def backend() -> int:
    """The process id of the server's process behind this thread's connection, opened if need be."""
    from django.db import connection

    connection.ensure_connection()
    return int(cast(Any, connection.connection).info.backend_pid)


def reconnect() -> int:
    """The same with a new connection."""
    from django.db import connection

    connection.close()
    return backend()


def _call(host: str) -> str:
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": PATH, "SCRIPT_NAME": "", "QUERY_STRING": "", "HTTP_HOST": host,
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http", "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(),
    }  # fmt: skip
    response = _served()(environ, lambda given, _headers: status.append(given))
    body = b"".join(response)
    response.close()
    if not status[0].startswith("200"):
        raise RuntimeError(f"{host} answers {status[0]}: {body[:200]!r}")
    return body.decode()


def _served() -> Any:
    global _application
    if _application is None:
        from django.core.wsgi import get_wsgi_application

        _application = get_wsgi_application()
    return _application
