"""How a fleet run shows itself: a bar on a terminal, lines elsewhere, nothing where JSON is wanted."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from shared_apps.fleet.services.applying import Outcome, Result
from shared_apps.tenants.fleet_progress import watching


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def show(stream: Any, *, quiet: bool = False) -> None:
    with watching(OutputWrapper(stream), quiet=quiet) as watcher:
        watcher.say("migrating the public schema")
        watcher.begin(2)
        watcher.say("2 libraries: branches.0002_floor")
        watcher.done(Result("lib_a", Outcome.MIGRATED))
        watcher.done(Result("lib_b", Outcome.FAILED, "no"))


def test_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    show(stream)
    assert stream.getvalue().splitlines() == [
        "migrating the public schema ...",
        "2 libraries are behind.",
        "2 libraries: branches.0002_floor ...",
    ]


def test_nothing_where_json_is_wanted() -> None:
    stream = io.StringIO()
    show(stream, quiet=True)
    assert stream.getvalue() == ""


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    show(stream)
    assert "2/2" in stream.getvalue()
    assert "1 failed" in stream.getvalue()
