"""One program that the supervisor keeps running, over its starts and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from saas.demo import child_start, leftovers

QUICK_SECONDS = 10.0
QUICK_FAILURES = 5
FIRST_DELAY_SECONDS = 0.5


@dataclass(frozen=True)
class Child:
    """A program to keep running. `env` is added to ours; `ready` tells whether it serves (None: at once)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None


class RunningChild:
    """A child with its present process, which leads a process group of its own."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.is_ready = child.ready is None
        self.due = 0.0
        """When to start it, if it has no process (of time.monotonic())."""
        self._started = 0.0
        self._quick_failures = 0

    def start(self, token: str) -> int:
        """Start it; returns the file descriptor of its output, which does not block."""
        wrapper = [sys.executable, "-I", "-S", child_start.__file__, str(os.getpid())]
        ours = {"PYTHONUNBUFFERED": "1", **self.child.env, leftovers.MARK_VARIABLE: token}
        self.process = subprocess.Popen(  # noqa: S603 (the caller's programs)
            [*wrapper, *self.child.argv],
            env={**os.environ, **ours},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self._started = time.monotonic()
        return self.output_fd()

    def output_fd(self) -> int:
        """The file descriptor of its output, -1 when it has none."""
        if self.process is None or self.process.stdout is None or self.process.stdout.closed:
            return -1
        os.set_blocking(self.process.stdout.fileno(), False)
        return self.process.stdout.fileno()

    def noted(self) -> leftovers.Noted | None:
        """What a later start needs to recognise it; None when it does not run."""
        if self.process is None:
            return None
        started = leftovers.started_at(self.process.pid)
        return None if started is None else leftovers.Noted(self.child.name, self.process.pid, started)

    def reap(self) -> bool:
        """Collect its dead, and those of its own children that became ours; True when it has ended itself."""
        if self.process is None:
            return True
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-self.process.pid, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self.process.pid:
                    self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode is not None

    def group_is_gone(self) -> bool:
        """Has every process of its group ended?"""
        return self.reap() and not self.signal_group(0)

    def signal(self, signum: int) -> None:
        """Signal the leader; it passes on to its own children what it wants them to have."""
        if self.process is not None and not self.reap():
            os.kill(self.process.pid, signum)

    def signal_group(self, signum: int) -> bool:
        """Signal whatever is left of its group; False when nothing is."""
        if self.process is None:
            return False
        try:
            os.killpg(self.process.pid, signum)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            return False
        return True

    def forget(self) -> None:
        """Close what is left of an ended process."""
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def plan_restart(self) -> str | None:
        """After an end that nobody asked for: set `due` and say so, or None after too many in a row."""
        how = describe_end(self.process.returncode if self.process is not None else None)
        quick = time.monotonic() - self._started < QUICK_SECONDS
        self._quick_failures = self._quick_failures + 1 if quick else 0
        if self._quick_failures >= QUICK_FAILURES:
            return None
        delay = FIRST_DELAY_SECONDS * 2 ** max(0, self._quick_failures - 1)
        self.due = time.monotonic() + delay
        return f"{self.child.name} ended ({how}); it is started again in {delay:g} s"


def describe_end(code: int | None) -> str:
    """How a process ended, from the code that `subprocess` gives it."""
    if code is None:
        return "unknown"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"killed by signal {-code}"
