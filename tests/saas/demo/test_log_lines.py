"""Whole lines, each with its program's name."""

from __future__ import annotations

import io

import pytest

from saas.demo.log_lines import LinePrinter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_pieces_of_two_programs_become_whole_lines() -> None:
    output = io.StringIO()
    printer = LinePrinter(["web", "worker"], output)
    printer.feed("web", b"GET /")
    printer.feed("worker", b"import of \xe2\x82")
    printer.feed("web", b" 200\r\nGET")
    printer.feed("worker", b"\xac 5\n")
    printer.finish("web")
    printer.finish("worker")
    printer.say("ready")
    assert output.getvalue().splitlines() == [
        "web    | GET / 200",
        "worker | import of € 5",
        "web    | GET",
        "demo   | ready",
    ]


def test_bytes_that_are_no_text_and_empty_lines() -> None:
    output = io.StringIO()
    printer = LinePrinter(["web"], output)
    printer.feed("web", b"\xff\n\n")
    assert output.getvalue() == "web  | \N{REPLACEMENT CHARACTER}\nweb  | \n"


def test_line_without_end_is_cut() -> None:
    output = io.StringIO()
    printer = LinePrinter(["web"], output)
    for _ in range(10):
        printer.feed("web", b"x" * 10_000)
    printer.finish("web")
    lines = output.getvalue().splitlines()
    assert "".join(line.removeprefix("web  | ") for line in lines) == "x" * 100_000
    assert max(len(line) for line in lines) < 33_000


def test_colours_only_on_a_terminal_that_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    printer = LinePrinter(["web", "worker"], terminal)
    printer.feed("web", b"a\n")
    printer.feed("worker", b"b\n")
    printer.say("c")
    assert (
        terminal.getvalue()
        == "\033[36mweb    |\033[0m a\n\033[33mworker |\033[0m b\n\033[2mdemo   |\033[0m c\n"
    )
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    LinePrinter(["web"], plain).feed("web", b"a\n")
    assert plain.getvalue() == "web  | a\n"


def test_reader_that_has_gone_is_noticed_once() -> None:
    printer = LinePrinter(["web"], Gone())
    assert not printer.closed
    printer.feed("web", b"a\nb\n")
    assert printer.closed
    printer.say("to nobody")
