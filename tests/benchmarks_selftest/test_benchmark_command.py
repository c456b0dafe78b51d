"""The command line: names, flags, exit codes, and what is printed where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.registry import BENCHMARKS, Benchmark, BenchmarkRefused, Options
from tests.benchmarks.results import ALL, AT_LEAST, Outcome, Row, Target

PROJECT = Path(__file__).resolve().parents[2]
MISSED = Row("list", "ms", 2.0, 10.0, "usual DRF", 5.0, Target(AT_LEAST, 8))
MET = Row("list", "ms", 1.0, 10.0, "usual DRF", 10.0, Target(AT_LEAST, 8))


class Stub(ModuleType):
    """A benchmark that measures nothing and remembers how it was asked."""

    def __init__(self, rows: list[Row], refusal: str = "") -> None:
        super().__init__("stub_benchmark")
        self.rows, self.refusal = rows, refusal
        self.asked: list[Options] = []

    def run(self, options: Options) -> Outcome:
        self.asked.append(options)
        options.say("working ...")
        if self.refusal:
            raise BenchmarkRefused(self.refusal)
        return Outcome(self.rows, "18.6", ["2,000 titles"])


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)

    def add(stub: Stub) -> Stub:
        monkeypatch.setitem(sys.modules, stub.__name__, stub)
        monkeypatch.setitem(BENCHMARKS, "stub", Benchmark("stub", "measures nothing", stub.__name__))
        return stub

    return add


def test_list_names_every_benchmark_and_needs_no_database() -> None:
    code = "import sys; sys.argv = ['x', '--list']; from tests.benchmarks.__main__ import main; code = main()"
    check = "assert 'django' not in sys.modules and 'saas' not in sys.modules; sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {check}"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(BENCHMARKS)
    assert "requests" in BENCHMARKS


def test_help_shows_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for part in ("requests --quick", "exit codes", "--strict", "--json", BENCHMARKS["requests"].summary):
        assert part in shown


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["requets"], "no benchmark 'requets'. Did you mean requests?"),
        (["zzz"], "no benchmark 'zzz'. There are: access, requests"),
        ([], "Give a NAME, or --list"),
        (["requests", "--fast"], "--fast"),
        (["requests", "--only", "list,titel"], "--only knows no 'titel'. There are: list, title,"),
        (["requests", "--only", "none"], "--only none measures nothing"),
        (["requests", "--peers", "ours"], "--peers knows no 'ours'. There are: usual, plain"),
        (["requests", "--libraries", "3"], "--libraries means nothing to requests."),
        (["tenancy", "--profile"], "--profile means nothing to tenancy."),
        (["access", "--peers", "none"], "--peers means nothing to access."),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(argv)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_json_goes_to_standard_output_alone(install: object, capsys: pytest.CaptureFixture[str]) -> None:
    stub = install(Stub([MISSED]))  # type: ignore[operator]
    assert command.main(["stub", "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert list(found) == ["benchmark", "date", "machine", "quick", "rows", "notes"]
    assert (found["benchmark"], found["quick"]) == ("stub", False)
    assert found["machine"]["postgres"] == "18.6"
    assert found["rows"] == [MISSED.document()]
    assert "working" in printed.err
    assert [options.quick for options in stub.asked] == [False]


def test_quick_is_passed_on_and_said(install: object, capsys: pytest.CaptureFixture[str]) -> None:
    stub = install(Stub([MET]))  # type: ignore[operator]
    assert command.main(["stub", "--quick"]) == 0
    assert [options.quick for options in stub.asked] == [True]
    assert "sized down" in capsys.readouterr().out

    assert command.main(["stub", "--quick", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quick"] is True


def test_what_to_measure_and_against_whom_is_passed_on(
    install: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = install(Stub([MET]))  # type: ignore[operator]
    known = {"only": ("list", "me"), "peers": ("usual",)}
    chosen = Benchmark("stub", "", stub.__name__, frozenset({"only", "peers", "profile"}), known)
    monkeypatch.setitem(BENCHMARKS, "stub", chosen)
    for argv in ([], ["--only", "list, me", "--peers", "usual"], ["--peers", "none", "--profile"]):
        assert command.main(["stub", *argv]) == 0
    asked = [(one.only, one.peers, one.profile) for one in stub.asked]
    assert asked == [(None, None, False), (["list", "me"], ["usual"], False), (None, [], True)]


def test_a_profile_is_shown_as_a_table_and_in_json(
    install: object, capsys: pytest.CaptureFixture[str]
) -> None:
    stub = install(Stub([MET]))  # type: ignore[operator]
    found = {"ours": {"list": {"database": 1234.0, ALL: 1234.0}}}
    stub.run = lambda _options: Outcome([MET], profiles=found)  # type: ignore[method-assign]
    assert command.main(["stub"]) == 0
    shown = capsys.readouterr().out
    assert "ours: microseconds by part" in shown
    assert "1,234" in shown
    assert command.main(["stub", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["profiles"] == found


def test_the_table_names_the_missed_target(install: object, capsys: pytest.CaptureFixture[str]) -> None:
    install(Stub([MISSED, Row("memory", "MiB", 99.5)]))  # type: ignore[operator]
    assert command.main(["stub"]) == 0
    shown = capsys.readouterr().out
    for part in (
        "full size",
        "usual DRF",
        "5.00",
        ">= 8",
        "NO",
        "99.5",
        "2,000 titles",
        "1 of the targets missed",
    ):
        assert part in shown


@pytest.mark.parametrize(("rows", "code"), [([MET, MISSED], 1), ([MET], 0)])
def test_strict_fails_for_a_missed_target(install: object, rows: list[Row], code: int) -> None:
    install(Stub(rows))  # type: ignore[operator]
    assert command.main(["stub", "--strict", "--json"]) == code
    assert command.main(["stub", "--json"]) == 0


def test_a_refusal_prints_no_numbers(install: object, capsys: pytest.CaptureFixture[str]) -> None:
    install(Stub([MET], refusal="the answers [differ]"))  # type: ignore[operator]
    assert command.main(["stub", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "stub was not measured: the answers [differ]" in printed.err
