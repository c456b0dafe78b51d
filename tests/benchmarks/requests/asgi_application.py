"""What every measured ASGI process serves: its application, and the questions of `application` about the process.

asyncpg speaks to PostgreSQL without libpq, so its statements are counted where it sends them: each call of the protocol
is one message to the server and its answer.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import orjson
from asyncpg.protocol.protocol import Protocol

from tests.benchmarks.requests.introspection import memory

CONTROL = "/-/"
# Protocol's ways to execute something; to prepare is not to execute.
_SENDING = ("query", "execute", "bind_execute", "bind_execute_many", "bind")


def product() -> Any:
    """The application that BENCHMARK_SERVES names."""
    module, _, name = os.environ["BENCHMARK_SERVES"].partition(":")
    return getattr(import_module(module), name)


_product = product()
_sent: list[str] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Serve a request, or answer a question."""
    if scope["type"] != "http" or not scope["path"].startswith(CONTROL):
        await _product(scope, receive, send)
        return
    body = orjson.dumps(_QUESTIONS[scope["path"]]())
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def start_trace() -> dict[str, bool]:
    """Begin."""
    _sent.clear()
    for name in _SENDING:
        setattr(Protocol, name, _counted(getattr(Protocol, name)))
    return {"tracing": True}


def stop_trace() -> dict[str, Any]:
    """End, and say how many statements that were."""
    for name in _SENDING:
        delattr(Protocol, name)
    return {"statements": len(_sent), "texts": [*_sent], "whole": True}


def _counted(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def counted(*arguments: Any, **named: Any) -> Any:
        # A statement as text, or one that was prepared.
        statement = [*arguments[1:], *named.values()][0]
        _sent.append(str(getattr(statement, "query", statement)).strip())
        return method(*arguments, **named)

    return counted


_QUESTIONS: dict[str, Callable[[], Any]] = {
    "/-/memory/": memory,
    "/-/trace/start/": start_trace,
    "/-/trace/stop/": stop_trace,
}
