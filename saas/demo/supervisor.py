"""Runs several programs as one process tree: `run(children, state_dir=...)`.

One thread, one loop: it waits for output, for signals and for the next thing that is due. Each child leads a process
group of its own, so that Ctrl-C reaches the supervisor alone and the end of a child can be enforced on its children.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from saas.demo import child_start, leftovers
from saas.demo.log_lines import LinePrinter
from saas.embedded.locks import FileLock

QUICK_SECONDS = 10.0
QUICK_FAILURES = 5
_FIRST_DELAY_SECONDS = 0.5
_READY_EVERY_SECONDS = 0.2
_GROUP_SECONDS = 1.0
_POLL_SECONDS = 0.05
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SupervisorError(Exception):
    """The tree cannot be started; `str()` of it is one sentence for a person."""


@dataclass(frozen=True)
class Child:
    """A program to keep running. `env` is added to ours; `ready` tells whether it serves (None: at once)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None


def run(
    children: Sequence[Child],
    *,
    state_dir: Path,
    on_ready: Callable[[], None] | None = None,
    stop_timeout: float = 10.0,
) -> int:
    """Run the children until a signal comes; call `on_ready` once, when all are ready.

    SIGINT, SIGTERM and SIGHUP stop them, the last started first, each within `stop_timeout` seconds; a second signal
    kills at once. A child that ends by itself is started again after 0.5, 1, 2, 4 s; five ends within 10 s of the
    start, in a row, stop everything. What an earlier supervisor of this `state_dir` left is ended first.
    Returns 0 after an orderly stop, 1 after a failure or a kill. Call it from the main thread.
    """
    try:
        with _alone(state_dir):
            _end_noted(state_dir)
            return _Tree(children, state_dir, on_ready, stop_timeout).run()
    except SupervisorError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def end_leftovers(state_dir: Path) -> list[str]:
    """End what a killed supervisor of this folder left; returns the names of those children.

    Call it before you look whether their port is free. Raises SupervisorError when a supervisor lives.
    """
    with _alone(state_dir):
        return _end_noted(state_dir)


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Could a server listen there now? (A port whose last connections are still closing counts as free.)"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(state_dir / "supervisor.lock")
    except OSError as error:
        raise SupervisorError(
            f"The folder {state_dir} cannot be used: {(error.strerror or '').lower()}."
        ) from error
    with lock:
        if not lock.acquire(timeout=0.5):
            raise SupervisorError(f"It is already running with the folder {state_dir}; stop that one first.")
        yield


def _end_noted(state_dir: Path) -> list[str]:
    return leftovers.end_noted(_notes(state_dir))


def _notes(state_dir: Path) -> Path:
    return state_dir / "processes.json"


class _Running:
    """One child over its starts and ends."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.quick_failures = 0
        self.due: float | None = None
        self.ready = False

    def start(self, token: str) -> None:
        """Start it in a group of its own, to be told when we die."""
        wrapper = [sys.executable, "-I", "-S", child_start.__file__, str(os.getpid())]
        self.process = subprocess.Popen(  # noqa: S603 (the caller's programs)
            [*wrapper, *self.child.argv],
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                **self.child.env,
                leftovers.TOKEN_VARIABLE: token,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        self.started = time.monotonic()
        self.due = None

    def noted(self) -> leftovers.Noted | None:
        """What a later start needs to recognise it."""
        if self.process is None:
            return None
        started = leftovers.started_at(self.process.pid)
        return None if started is None else leftovers.Noted(self.child.name, self.process.pid, started)

    def reap(self) -> bool:
        """Collect its dead, and those of its children that became ours; True when it has ended itself."""
        if self.process is None:
            return False
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-self.process.pid, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self.process.pid:
                    self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode is not None

    def signal_group(self, signum: signal.Signals) -> bool:
        """Signal all that is left of its group; False when nothing is."""
        if self.process is None:
            return False
        try:
            os.killpg(self.process.pid, signum)
        except ProcessLookupError:
            return False
        return True


class _Tree:
    """The loop."""

    def __init__(
        self,
        children: Sequence[Child],
        state_dir: Path,
        on_ready: Callable[[], None] | None,
        stop_timeout: float,
    ) -> None:
        self._running = [_Running(child) for child in children]
        self._notes = _notes(state_dir)
        self._token = secrets.token_hex(16)
        self._on_ready = on_ready
        self._stop_timeout = stop_timeout
        self._signals = 0
        self._failed = False
        self._selector = selectors.DefaultSelector()
        self._print = LinePrinter([child.name for child in children])

    def run(self) -> int:
        with _adopting_orphans(), self._hearing_signals():
            try:
                for running in self._running:
                    self._start(running)
                while not self._ending():
                    self._turn()
            finally:
                self._stop_all()
                self._notes.unlink(missing_ok=True)
        return 1 if self._failed or self._signals > 1 else 0

    def _ending(self) -> bool:
        return self._failed or self._signals > 0 or self._print.closed

    def _turn(self) -> None:
        """One round: output, deaths, restarts, readiness."""
        self._read_output(self._next_wait())
        for running in self._running:
            if running.due is None and running.reap():
                self._note_end(running)
            elif running.due is not None and time.monotonic() >= running.due:
                self._start(running)
        self._look_whether_ready()

    def _next_wait(self) -> float:
        dues = [running.due - time.monotonic() for running in self._running if running.due is not None]
        waiting = self._on_ready is not None
        return max(0.0, min([*dues, _READY_EVERY_SECONDS if waiting else 60.0]))

    def _start(self, running: _Running) -> None:
        running.start(self._token)
        assert running.process is not None  # noqa: S101 (for the type checker: start has just set it)
        assert running.process.stdout is not None  # noqa: S101
        os.set_blocking(running.process.stdout.fileno(), False)
        self._selector.register(running.process.stdout, selectors.EVENT_READ, running)
        self._write_notes()

    def _write_notes(self) -> None:
        noted = (running.noted() for running in self._running)
        leftovers.write_notes(self._notes, self._token, [child for child in noted if child is not None])
