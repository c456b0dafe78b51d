"""What is asked of a measured ASGI process, with a driver and an application that answer from memory."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import orjson
import pytest


class Protocol:
    """As asyncpg's: a simple query by its text, a prepared one by its state, both by position or by name."""

    def prepare(self, name: str, query: str) -> str:
        return "prepared"

    def query(self, query: str, timeout: float) -> str:
        return "row"

    def execute(self, state: Any) -> str:
        return "row"

    def bind_execute(self, state: Any, args: Any) -> str:
        return "row"

    def bind_execute_many(self, state: Any, args: Any) -> str:
        return "row"

    def bind(self, state: Any) -> str:
        return "row"


async def served(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Any:
    class OfThisTest(Protocol):
        """As the driver's, whose methods come from its base."""

    driver: Any = ModuleType("asyncpg.protocol.protocol")
    driver.Protocol = OfThisTest
    project: Any = ModuleType("some_project")
    project.served = served
    for module in (ModuleType("asyncpg"), ModuleType("asyncpg.protocol"), driver, project):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("BENCHMARK_SERVES", "some_project:served")
    name = "tests.benchmarks.requests.asgi_application"
    monkeypatch.delitem(sys.modules, name, raising=False)
    import importlib

    yield importlib.import_module(name)
    sys.modules.pop(name, None)


def ask(application: Any, path: str) -> tuple[int, Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application.application({"type": "http", "path": path}, None, send))
    return sent[0]["status"], orjson.loads(sent[1]["body"]) if len(sent) > 1 else None


def test_a_request_goes_to_the_application_and_a_question_does_not(application: Any) -> None:
    assert ask(application, "/api/v1/me/") == (418, None)
    status, found = ask(application, "/-/memory/")
    assert status == 200
    assert found["rss"] > 2**20


def test_statements_are_counted_where_the_driver_sends_them(application: Any) -> None:
    protocol, state = application.Protocol(), SimpleNamespace(query="SELECT $1")
    protocol.query("BEGIN", 1.0)
    ask(application, "/-/trace/start/")
    assert protocol.prepare("a", "SELECT $1") == "prepared"
    assert protocol.query("BEGIN", 1.0) == "row"
    assert protocol.bind_execute(state=state, args=()) == "row"
    assert protocol.bind_execute(state, ()) == "row"
    _status, found = ask(application, "/-/trace/stop/")
    assert found == {"statements": 3, "texts": ["BEGIN", "SELECT $1", "SELECT $1"], "whole": True}
    protocol.query("COMMIT", 1.0)
    ask(application, "/-/trace/start/")
    assert ask(application, "/-/trace/stop/")[1]["statements"] == 0
