"""Where the time of a request goes: each part is charged with its own time, and all parts make the whole."""

from __future__ import annotations

import sys
import threading
import time
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from tests.benchmarks.report import OTHER, lines_of, profile_table
from tests.benchmarks.requests import profile, seams
from tests.benchmarks.results import ALL


def test_a_part_is_not_charged_with_the_time_of_another() -> None:
    timers = seams.Timers()

    def query() -> str:
        time.sleep(0.02)
        return "row"

    wrapped = timers.wrap("database", query)

    def view() -> str:
        time.sleep(0.01)
        return wrapped() + wrapped()

    assert timers.wrap("endpoint", view, root=True)() == "rowrow"
    assert 0.04 <= timers.parts["database"] < 0.2
    assert 0.01 <= timers.parts["endpoint"] < 0.04


def test_a_part_that_fails_is_charged_as_well() -> None:
    timers = seams.Timers()

    def fail() -> None:
        raise LookupError("no such row")

    with pytest.raises(LookupError):
        timers.wrap("endpoint", fail, root=True)()
    with pytest.raises(LookupError):
        timers.wrap("endpoint", timers.wrap("database", fail), root=True)()
    assert set(timers.parts) == {"endpoint", "database"}


def test_what_another_thread_does_meanwhile_is_not_charged() -> None:
    timers = seams.Timers()
    sent = timers.wrap("Redis", lambda: time.sleep(0.01))

    def view() -> None:
        relay = threading.Thread(target=sent)
        relay.start()
        relay.join()

    timers.wrap("endpoint", view, root=True)()
    assert set(timers.parts) == {"endpoint"}
    timers.wrap("endpoint", sent, root=True)()
    assert set(timers.parts) == {"endpoint", "Redis"}


def test_functions_are_found_in_modules_classes_and_subclasses(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("some_kernel")

    class View:
        def check(self) -> None: ...

    class Same(View): ...

    class Other(Same):
        def check(self) -> None: ...

    module.View, module.load = View, lambda: None
    monkeypatch.setitem(sys.modules, "some_kernel", module)
    assert set(seams.places("some_kernel", "View.check")) == {(View, "check"), (Other, "check")}
    assert list(seams.places("some_kernel", "load")) == [(module, "load")]
    assert list(seams.places("some_kernel", "gone")) == []
    assert list(seams.places("some_kernel", "Gone.check")) == []
    assert list(seams.places("not_loaded_kernel", "load")) == []


def test_every_seam_of_libraries_that_ours_loads_is_there() -> None:
    import celery.app.task  # noqa: F401
    import jwt.api_jwt  # noqa: F401
    import rest_framework.renderers
    import rest_framework.views  # noqa: F401

    gone = [
        (module, path)
        for _part, module, path in (*seams.SEAMS, *seams.ROOTS)
        if not list(seams.places(module, path))
    ]
    assert [one for one in gone if not one[0].startswith("saas.")] == []


def test_the_middleware_of_the_settings_is_found() -> None:
    from saas.core.middleware import RequestContextMiddleware

    assert RequestContextMiddleware in seams.middleware_classes()


def test_the_faster_half_is_typical_and_its_parts_make_the_whole() -> None:
    requests = [
        {"database": 10.0, "endpoint": 20.0, ALL: 30.0},
        {"database": 20.0, "endpoint": 20.0, "log": 2.0, ALL: 42.0},
        {"database": 900.0, "endpoint": 20.0, ALL: 920.0},
        {"database": 500.0, "endpoint": 20.0, ALL: 520.0},
    ]
    found = profile.typical(requests)
    assert found == {"database": 15.0, "endpoint": 20.0, ALL: 36.0, "log": 1.0}
    assert sum(found.values()) == 2 * found[ALL]


def test_small_parts_are_shown_together_and_the_whole_comes_last() -> None:
    found = {
        "list": {"log": 1.0, "database": 700.0, "endpoint": 299.0, ALL: 1000.0},
        "me": {"metrics": 2.0, "endpoint": 498.0, ALL: 500.0},
    }
    assert lines_of(found) == [
        ("endpoint", [299.0, 498.0]),
        ("database", [700.0, 0.0]),
        (OTHER, [1.0, 2.0]),
        (ALL, [1000.0, 500.0]),
    ]
    console = Console(width=100, record=True, quiet=True)
    console.print(profile_table("ours", found))
    assert profile_table("ours", found).row_count == 4


def test_a_request_is_answered_as_a_server_would() -> None:
    seen: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append({**environ, "body": environ["wsgi.input"].read()})
        start_response("201 Created", [])
        return [b"{}"]

    headers = {"Host": "north.localhost", "Authorization": "Bearer x", "Content-Type": "application/json"}
    environ = profile.environ_of(headers, "POST", "/loans/?a=b", b"{}")
    assert profile.answer(application, environ) == 201
    (one,) = seen
    assert (one["PATH_INFO"], one["QUERY_STRING"], one["CONTENT_LENGTH"]) == ("/loans/", "a=b", "2")
    assert (one["HTTP_HOST"], one["HTTP_AUTHORIZATION"], one["body"]) == (
        "north.localhost",
        "Bearer x",
        b"{}",
    )
