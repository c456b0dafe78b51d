"""What the kernel says of processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from saas.embedded import processes

MARK = "mark-of-this-test"


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", MARK], cwd=tmp_path
    ) as process:
        processes.wait_until(lambda: bool(processes.find(tmp_path, program="python", marks=())), 10)
        yield process
        process.kill()


def test_process_is_found_by_its_folder_or_by_its_mark(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    assert list(processes.find(tmp_path, program="python", marks=())) == [sleeper.pid]
    assert list(processes.find(tmp_path / "other", program="python", marks=(MARK,))) == [sleeper.pid]
    assert MARK in processes.find(tmp_path, program="python", marks=())[sleeper.pid]


def test_neither_a_neighbour_nor_another_program_is_found(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    assert processes.find(tmp_path, program="postgres", marks=(MARK,)) == {}
    assert processes.find(tmp_path / "other", program="python", marks=("another mark",)) == {}
    assert processes.find(tmp_path.parent, program="python", marks=()) == {}


def test_process_in_a_deleted_folder_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"], cwd=folder) as process:
        try:
            folder.rmdir()
            found = lambda: processes.find(folder, program="sleep", marks=()) == {process.pid: "sleep 60 "}  # noqa: E731
            assert processes.wait_until(found, 10), "the title appears a moment after the start"
            assert processes.find_deleted(tmp_path) == [], "it is no server"
        finally:
            process.kill()


def test_zombie_is_neither_alive_nor_found(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=tmp_path)
    assert processes.is_alive(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet reaped
    assert not processes.is_alive(process.pid)
    assert processes.find(tmp_path, program="python", marks=()) == {}
    process.wait()
    assert not processes.is_alive(process.pid)


def test_listing_of_systems_without_proc(sleeper: subprocess.Popen[bytes]) -> None:
    titles = {pid: title for pid, _, title in processes._from_ps()}
    assert MARK in titles[sleeper.pid]


def test_detached_program_has_the_pid_that_is_told_and_is_not_our_child(tmp_path: Path) -> None:
    code = "import os, time; print(os.getpid(), os.getsid(0) != os.getppid(), flush=True); time.sleep(60)"
    log = tmp_path / "log"
    log.write_text("before\n")
    pid = processes.spawn_detached([sys.executable, "-c", code], log=log)
    try:
        assert processes.wait_until(lambda: len(log.read_text().splitlines()) == 2, 10)
        assert log.read_text().splitlines() == ["before", f"{pid} True"]
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        assert os.getsid(pid) != os.getsid(0)
    finally:
        processes.send([pid], signal.SIGKILL)


def test_detached_program_keeps_none_of_our_open_files(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        pid = processes.spawn_detached(["sleep", "60"], log=tmp_path / "log")
        try:
            # While the program is being loaded it has its shared libraries open for a moment.
            assert processes.wait_until(lambda: open_files(pid) <= {"/dev/null", str(tmp_path / "log")}, 5)
        finally:
            processes.send([pid], signal.SIGKILL)


def open_files(pid: int) -> set[str]:
    """What a process has open right now."""
    names = set()
    for link in (Path("/proc") / str(pid) / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            names.add(os.readlink(link))
    return names


def test_signalling_a_process_that_is_gone_is_no_error() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    processes.send([process.pid], signal.SIGTERM)


def test_waiting_ends_at_the_deadline() -> None:
    began = time.monotonic()
    assert not processes.wait_until(lambda: False, 0.1)
    assert 0.1 <= time.monotonic() - began < 5
    assert processes.wait_until(lambda: True, 0)
