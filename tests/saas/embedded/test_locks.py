"""Locks that die with their process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from saas.embedded.locks import FileLock
from tests.saas.embedded.conftest import PROJECT

HOLDER = """
import sys, time
from pathlib import Path
from saas.embedded.locks import FileLock
FileLock(Path(sys.argv[1])).wait()
print('held', flush=True)
time.sleep(600)
"""


def test_shared_holders_keep_an_exclusive_one_out(tmp_path: Path) -> None:
    path = tmp_path / "users.lock"
    with FileLock(path) as first, FileLock(path) as second, FileLock(path) as alone:
        assert first.acquire(shared=True)
        assert second.acquire(shared=True)
        assert not alone.acquire(timeout=0.05)
        first.close()
        assert not alone.acquire()
        second.close()
        assert alone.acquire()
    assert path.stat().st_mode & 0o777 == 0o600


def test_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    path = tmp_path / "start.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=PROJECT, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with FileLock(path) as mine:
            assert not mine.acquire()
            holder.kill()
            mine.wait()


def test_lock_is_not_inherited_by_programs_we_start(tmp_path: Path) -> None:
    path = tmp_path / "users.lock"
    held = FileLock(path)
    held.wait()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child, FileLock(path) as other:
        held.close()
        assert other.acquire(timeout=1)
        child.kill()


def test_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "users.lock"
    with FileLock(path) as lock:
        assert lock.is_current()
        path.unlink()
        assert not lock.is_current()
        path.touch()
        assert not lock.is_current()


def test_closing_twice_does_not_close_a_strangers_file(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a")
    lock.close()
    with (tmp_path / "b").open("w") as stranger:
        lock.close()
        stranger.write("still open")
