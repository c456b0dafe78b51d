"""Runs several programs as one process tree: `run(children, state_dir=...)`.

One thread, one loop: it waits for output, for signals and for the next thing that is due. Each child leads a
process group of its own, so that Ctrl-C reaches the supervisor alone and the end of a child can be enforced
on its children.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from saas.demo import leftovers
from saas.demo.child import QUICK_FAILURES, Child, RunningChild
from saas.demo.log_lines import LinePrinter
from saas.embedded.locks import FileLock

__all__ = ["Child", "SupervisorError", "end_leftovers", "port_is_free", "run"]

_READY_SECONDS = 0.2
_GROUP_SECONDS = 1.0
_POLL_SECONDS = 0.05
# One Ctrl-C may come twice: from the terminal, and passed on by the program that started us.
_SAME_SIGNAL_SECONDS = 0.3
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_CHILD_SUBREAPER = 36


class SupervisorError(Exception):
    """The tree cannot be started; `str()` of it is one sentence for a person."""


def run(
    children: Sequence[Child],
    *,
    state_dir: Path,
    on_ready: Callable[[], None] | None = None,
    stop_timeout: float = 10.0,
) -> int:
    """Run the children until a signal comes; call `on_ready` once, when all are ready.

    SIGINT, SIGTERM and SIGHUP stop them, the last started first, each within `stop_timeout` seconds; a second
    signal kills at once. A child that ends by itself is started again after 0.5, 1, 2, 4 s; five ends within
    10 s of the start, in a row, stop everything. What an earlier supervisor of this `state_dir` left is ended
    first. Returns 0 after an orderly stop, 1 after a failure, a kill, or where another supervisor lives (one
    sentence on stderr). Call it from the main thread; while it runs, it collects every dead child of this
    process.
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


class _Tree:
    """The loop."""

    def __init__(
        self,
        children: Sequence[Child],
        state_dir: Path,
        on_ready: Callable[[], None] | None,
        stop_timeout: float,
    ) -> None:
        self._children = [RunningChild(child) for child in children]
        self._notes = _notes(state_dir)
        self._token = secrets.token_hex(16)
        self._on_ready = on_ready
        self._look_again = 0.0
        self._stop_timeout = stop_timeout
        self._signals: list[float] = []
        self._failed = False
        self._selector = selectors.DefaultSelector()
        self._printer = LinePrinter([child.name for child in children], sys.stdout)

    def run(self) -> int:
        """Start, loop, stop; returns the exit code."""
        with self._selector, _adopting_orphans(), self._hearing_signals():
            try:
                while not (self._failed or self._signals or self._printer.closed):
                    self._turn()
            finally:
                self._stop_all()
                self._notes.unlink(missing_ok=True)
        return 1 if self._failed or self._killing() else 0

    def _turn(self) -> None:
        """One round: starts, output, ends, readiness."""
        for child in self._children:
            if child.process is None and time.monotonic() >= child.due:
                self._selector.register(child.start(self._token), selectors.EVENT_READ, child)
                self._write_notes()
        self._read_output(self._pause())
        for child in self._children:
            if child.process is not None and child.reap():
                self._ended(child)
        self._collect_adopted()
        self._look_whether_ready()

    def _collect_adopted(self) -> None:
        """Collect the dead that we adopted and that are in no child's group: daemons that a child started."""
        own = {child.process.pid for child in self._children if child.process is not None}
        with contextlib.suppress(ChildProcessError):
            while sys.platform == "linux":
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if dead is None or dead.si_pid in own:  # ours are handled in the next round
                    return
                os.waitpid(dead.si_pid, 0)

    def _pause(self) -> float:
        """Seconds until something is due."""
        dues = [child.due for child in self._children if child.process is None]
        if self._on_ready is not None:
            dues.append(self._look_again)
        return max(0.0, min(dues) - time.monotonic()) if dues else 60.0

    def _ended(self, child: RunningChild) -> None:
        plan = child.plan_restart()
        self._end_group(child)
        if plan is None:
            self._failed = True
            plan = f"{child.child.name} failed {QUICK_FAILURES} times in a row; everything is stopped"
        self._printer.say(plan)

    def _look_whether_ready(self) -> None:
        if self._on_ready is None or time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + _READY_SECONDS
        for child in self._children:
            if not child.is_ready and child.process is not None and child.child.ready is not None:
                child.is_ready = child.child.ready()
        if all(child.is_ready for child in self._children):
            announce, self._on_ready = self._on_ready, None
            announce()

    def _write_notes(self) -> None:
        noted = [child.noted() for child in self._children]
        leftovers.write_notes(self._notes, self._token, [note for note in noted if note is not None])

    def _read_output(self, seconds: float) -> None:
        """Wait for output or a signal, at most `seconds`, and print what came."""
        for key, _ in self._selector.select(seconds):
            if not isinstance(key.data, RunningChild):
                os.read(key.fd, 4096)  # the bytes that woke us for a signal
                continue
            data = os.read(key.fd, 65536)
            if data:
                self._printer.feed(key.data.child.name, data)
            else:
                self._selector.unregister(key.fd)

    def _read_to_end(self, child: RunningChild) -> None:
        """Print the last words of an ended child."""
        name, fd = child.child.name, child.output_fd()
        if fd >= 0 and fd in self._selector.get_map():
            self._selector.unregister(fd)
            with contextlib.suppress(BlockingIOError):  # somebody outside its group still holds the other end
                while data := os.read(fd, 65536):
                    self._printer.feed(name, data)
        self._printer.finish(name)

    def _stop_all(self) -> None:
        """Stop in the reverse order of the start."""
        for child in reversed(self._children):
            if child.process is None:
                continue
            child.signal(signal.SIGTERM)
            if not self._wait(child.reap, self._stop_timeout) and not self._killing():
                self._printer.say(
                    f"{child.child.name} did not stop within {self._stop_timeout:g} s; it is killed"
                )
            self._end_group(child)

    def _end_group(self, child: RunningChild) -> None:
        """End what a child left behind or, if it is stuck, itself; print its last words."""
        if not self._killing() and child.reap() and child.signal_group(signal.SIGTERM):
            self._wait(child.group_is_gone, _GROUP_SECONDS)
        child.signal_group(signal.SIGKILL)
        self._wait(child.group_is_gone, _GROUP_SECONDS, even_killing=True)
        self._read_to_end(child)
        child.forget()

    def _wait(self, condition: Callable[[], bool], seconds: float, *, even_killing: bool = False) -> bool:
        """Wait for the condition while printing output; give up after `seconds` or when we shall kill."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline or (self._killing() and not even_killing):
                return False
            self._read_output(_POLL_SECONDS)
        return True

    def _killing(self) -> bool:
        """Has the person lost patience: was there a second signal?"""
        return bool(self._signals) and self._signals[-1] - self._signals[0] > _SAME_SIGNAL_SECONDS

    @contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        """Note stop signals, and let them and the deaths of children wake the loop."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._selector.register(reader, selectors.EVENT_READ)
        handlers = {number: signal.signal(number, self._hear) for number in _STOP_SIGNALS}
        handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            reader.close()
            writer.close()

    def _hear(self, *_: object) -> None:
        self._signals.append(time.monotonic())


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Become the parent of what our children leave behind (Linux), so that we can collect it."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else lambda *_: 0
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0)
