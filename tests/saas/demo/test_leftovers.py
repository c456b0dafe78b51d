"""Only what is provably ours is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saas.demo import leftovers
from saas.demo.leftovers import Noted


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    """A process that leads a group and carries no token."""
    with subprocess.Popen(["sleep", "60"], process_group=0) as process:
        yield process
        process.kill()


def noted(process: subprocess.Popen[bytes]) -> Noted:
    started = leftovers.started_at(process.pid)
    assert started is not None
    return Noted("web", process.pid, started)


def test_noted_process_is_ended(tmp_path: Path, leader: subprocess.Popen[bytes]) -> None:
    file = tmp_path / "notes"
    leftovers.write_notes(file, "token", [noted(leader)])
    assert leftovers.end_noted(file) == ["web"]
    assert leader.wait(10) == -signal.SIGTERM
    assert not file.exists()


@pytest.mark.parametrize("difference", ["later start", "other boot"])
def test_stranger_that_got_the_number_is_left_alone(
    tmp_path: Path, leader: subprocess.Popen[bytes], difference: str
) -> None:
    ours = noted(leader)
    boot, _, ticks = ours.started.partition(":")
    started = f"{boot}:{int(ticks) - 1}" if difference == "later start" else f"another-boot:{ticks}"
    file = tmp_path / "notes"
    leftovers.write_notes(file, "token", [replace(ours, started=started)])
    assert leftovers.end_noted(file, patience=0.1) == []
    time.sleep(0.1)
    assert leader.poll() is None


def start_family(token: str) -> tuple[int, int]:
    """A leader that dies and leaves a child in its group; returns the numbers of both."""
    code = (
        "import os, subprocess; child = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL)\n"
        "print(os.getpid(), child.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, leftovers.MARK_VARIABLE: token},
        process_group=0,
        stdout=subprocess.PIPE,
        check=True,
    )
    first, second = done.stdout.split()
    return int(first), int(second)


def test_children_of_a_dead_leader_are_ended_by_their_token(tmp_path: Path) -> None:
    group, child = start_family("mine")
    file = tmp_path / "notes"
    leftovers.write_notes(file, "mine", [Noted("worker", group, "some-boot:1")])
    assert leftovers.end_noted(file) == ["worker"]
    assert leftovers.started_at(child) is None


def test_children_of_a_dead_leader_without_the_token_are_left_alone(tmp_path: Path) -> None:
    group, child = start_family("somebody else's")
    try:
        file = tmp_path / "notes"
        leftovers.write_notes(file, "mine", [Noted("worker", group, "some-boot:1")])
        assert leftovers.end_noted(file, patience=0.1) == []
        leftovers.write_notes(file, "", [Noted("worker", group, "some-boot:1")])
        assert leftovers.end_noted(file, patience=0.1) == []
        assert leftovers.started_at(child) is not None
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"token": "t"}', '{"token": "t", "children": [{"pid": 1}]}']
)
def test_unreadable_notes_prove_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "notes"
    file.write_text(content)
    assert leftovers.read_notes(file) == ("", [])
    assert leftovers.end_noted(file) == []


def test_absent_notes() -> None:
    assert leftovers.end_noted(Path("/nonexistent/notes")) == []


def test_notes_are_read_as_written(tmp_path: Path) -> None:
    children = [Noted("web", 10, "b:1"), Noted("worker", 11, "b:2")]
    leftovers.write_notes(tmp_path / "notes", "token", children)
    assert leftovers.read_notes(tmp_path / "notes") == ("token", children)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes"]


def test_start_time_tells_processes_apart_and_zombies_have_none(leader: subprocess.Popen[bytes]) -> None:
    assert leftovers.started_at(leader.pid) == leftovers.started_at(leader.pid)
    assert leftovers.started_at(leader.pid) != leftovers.started_at(1)
    leader.kill()
    os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
    assert leftovers.started_at(leader.pid) is None
    leader.wait()
    assert leftovers.started_at(leader.pid) is None


def test_start_time_by_ps_for_systems_without_proc(leader: subprocess.Popen[bytes]) -> None:
    assert str(time.gmtime().tm_year) in (leftovers._started_by_ps(leader.pid) or "")
    leader.kill()
    leader.wait()
    assert leftovers._started_by_ps(leader.pid) is None
