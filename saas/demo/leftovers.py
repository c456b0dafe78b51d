"""What a killed supervisor left running, found again and ended, and nothing else.

The supervisor notes each child with its process id, its start time as the kernel tells it, and the boot. A
later start ends a process group only when its leader still has that start time, or, where the leader has died
before its own children, those members that carry the noted token in their environment. A process that merely
got the number later is never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

MARK_VARIABLE = "LIBRARYHUB_PROCESS_TREE"
_PROC = Path("/proc")
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Noted:
    """A child, leader of its own process group; `started` is a text that differs for any later process."""

    name: str
    pid: int
    started: str


def started_at(pid: int) -> str | None:
    """When that process was started, in the kernel's words; None if there is none, or a zombie."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None if (_PROC / "self" / "stat").exists() else _started_by_ps(pid)
    # fields of proc(5) from the third on: state is the 3rd, starttime the 22nd
    return None if fields[0] in ("Z", "X") else f"{_boot()}:{fields[19]}"


def _boot() -> str:
    """Start times count from the boot, so a note of an earlier boot proves nothing."""
    return (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()


def _started_by_ps(pid: int) -> str | None:
    """Where there is no /proc (macOS)."""
    listed = subprocess.run(  # noqa: S603 (a number)
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return listed[1].strip() if len(listed) == 2 and not listed[0].startswith("Z") else None


def write_notes(file: Path, token: str, children: Iterable[Noted]) -> None:
    """Replace the notes in one step."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps({"token": token, "children": [asdict(child) for child in children]}))
    draft.replace(file)


def read_notes(file: Path) -> tuple[str, list[Noted]]:
    """The token and the children of the last supervisor; nothing where there is no whole file."""
    try:
        content = json.loads(file.read_text())
        return str(content["token"]), [Noted(**child) for child in content["children"]]
    except FileNotFoundError:
        return "", []
    except (ValueError, KeyError, TypeError):
        # Not written by us (we replace it in one step). Without a proof nothing may be ended.
        return "", []


def end_noted(file: Path, *, patience: float = 2.0) -> list[str]:
    """End what the notes prove to be ours: SIGTERM, after `patience` seconds SIGKILL; returns the names."""
    token, children = read_notes(file)
    ended = [child.name for child in children if _ours(child, token)]
    for signum, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, patience)):
        deadline = time.monotonic() + seconds
        for child in children:
            _signal(child, token, signum)
        while any(_ours(child, token) for child in children) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    file.unlink(missing_ok=True)
    return ended


def _signal(child: Noted, token: str, signum: signal.Signals) -> None:
    for pid in _ours(child, token):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def _ours(child: Noted, token: str) -> list[int]:
    """Living members of the child's group, if that group is provably the noted one."""
    leads = started_at(child.pid) == child.started
    members = _members(child.pid) if (_PROC / "self" / "stat").exists() else [child.pid] * leads
    return [pid for pid in members if leads or _carries(pid, token)]


def _members(group: int) -> list[int]:
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:  # it ended while we looked
                continue
            if int(fields[2]) == group and fields[0] not in ("Z", "X"):
                found.append(int(entry.name))
    return found


def _carries(pid: int, token: str) -> bool:
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:  # another user's process, or one that has just ended
        return False
    return bool(token) and f"{MARK_VARIABLE}={token}".encode() in variables
