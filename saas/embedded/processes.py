"""Find, start and end server processes by what the kernel says of them, never by a pid file.

A pid in a file may be that of a dead process, of a zombie, or of a stranger that got the number later. So a
process counts as ours when its working folder is the server's data folder (both servers change into it) or,
where the kernel does not show that (a container's root looking at another user's process), when its title
carries our mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_PROC = Path("/proc")
_POLL_SECONDS = 0.02


def find(folder: Path, *, program: str, marks: Sequence[str]) -> dict[int, str]:
    """Living processes of `program` that run in `folder`, or whose title has one of `marks`: title by pid."""
    rows = _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()
    places = (str(folder), f"{folder} (deleted)")
    return {
        pid: title
        for pid, cwd, title in rows
        if program in title and (cwd in places or any(mark in title for mark in marks))
    }


def find_deleted(folder: Path) -> list[int]:
    """Pids of servers whose working folder was below `folder` and has been deleted."""
    return [
        pid
        for pid, cwd, title in _from_proc()
        if cwd.startswith(f"{folder}/")
        and cwd.endswith(" (deleted)")
        and ("postgres" in title or "redis" in title)
    ]


def _from_proc() -> Iterator[tuple[int, str, str]]:
    for entry in _PROC.iterdir() if _PROC.exists() else ():
        if entry.name.isdigit():
            try:
                title = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it ended while we looked
                continue
            try:
                cwd = str((entry / "cwd").readlink())
            except OSError:  # a zombie, or another user's process
                cwd = ""
            if title:  # a zombie has no title
                yield int(entry.name), cwd, title


def _from_ps() -> Iterator[tuple[int, str, str]]:
    """Where there is no /proc (macOS) titles must do."""
    listing = subprocess.run(
        ["/bin/ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True
    )
    for line in listing.stdout.splitlines():
        pid, _, title = line.strip().partition(" ")
        yield int(pid), "", title


def is_alive(pid: int) -> bool:
    """Is there a process of that number that still runs (a zombie does not)?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return not (_PROC / "self" / "stat").exists()
    return state not in ("Z", "X")


def spawn_detached(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: tuple[int, int] | None = None,
) -> int:
    """Start a program that outlives us, in a session of its own; its output goes to `log`; returns its pid.

    A short-lived shell stands between, so that the program is init's child and a crash of it leaves no zombie
    with us. `user` is (uid, gid) to run as, for root only. The pid is of `command` itself, provided it only
    execs (env, unshare).
    """
    options: dict[str, object] = {}
    if user is not None:
        options = {"user": user[0], "group": user[1], "extra_groups": []}
    with log.open("ab") as output:
        shell = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 (our own command lines)
            ["/bin/sh", "-c", '"$@" 2>&1 & echo $! >&2', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            cwd="/",
            env=env,
            start_new_session=True,
            check=True,
            text=True,
            **options,
        )
    return int(shell.stderr.split()[-1])


def send(pids: Iterable[int], signum: signal.Signals) -> None:
    """Signal each process; one that ended meanwhile is no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
