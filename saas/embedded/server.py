"""What Postgres and Redis have in common: look, start, wait, stop."""

from __future__ import annotations

import enum
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from saas.embedded import processes
from saas.embedded.errors import EmbeddedError

# Recovery after a crash may take long; silence may not.
_START_SECONDS = 90.0
_SILENCE_SECONDS = 5.0
_STOP_SECONDS = 10.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.02
_LOG_BYTES = 5_000_000


class State(enum.Enum):
    """What the socket says. BUSY: somebody is there, but starting up, recovering or shutting down."""

    UP = "up"
    BUSY = "busy"
    DOWN = "down"


class Server(Protocol):
    """One server of one data folder. Nothing here trusts a pid file."""

    name: str
    log: Path

    def probe(self) -> State:
        """Ask over the socket."""

    def pids(self) -> list[int]:
        """All its living processes, whoever started them."""

    def spawn(self) -> int:
        """Make the data if missing, remove what a dead predecessor left, start; returns the pid."""

    def ask_to_stop(self, pids: list[int]) -> None:
        """Signal an orderly stop that loses nothing."""

    def refusal(self, reason: str) -> EmbeddedError:
        """The sentence for a server that does not start."""


def bring_up(server: Server) -> bool:
    """Return once the server answers; True when it had to be started. The caller holds the start lock.

    Raises EmbeddedError when the program ends or stays silent.
    """
    if server.probe() is State.UP:
        return False
    if _settled(server):
        return False
    _rotate(server.log)
    with _new_lines(server.log) as said:
        pid = server.spawn()
        deadline = time.monotonic() + _START_SECONDS
        while (state := server.probe()) is not State.UP:
            if state is State.DOWN and not processes.is_alive(pid):
                raise server.refusal(_reason(list(said())))
            if time.monotonic() > deadline:
                raise server.refusal(f"no answer within {_START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)
    return True


def _settled(server: Server) -> bool:
    """Wait for a server that is on its way up (True) or down (False); end one that is stuck (False)."""
    deadline = time.monotonic() + _START_SECONDS
    silent_since = time.monotonic()
    while server.pids():
        state = server.probe()
        if state is State.UP:
            return True
        if state is State.BUSY:
            silent_since = time.monotonic()
        if time.monotonic() > min(deadline, silent_since + _SILENCE_SECONDS):
            shut_down(server)
        time.sleep(_POLL_SECONDS)
    return False


def shut_down(server: Server) -> None:
    """Stop the server in order; kill what is left. Raises EmbeddedError when even that leaves processes."""
    pids = server.pids()
    if not pids:
        return
    server.ask_to_stop(pids)
    if processes.wait_until(lambda: not server.pids(), _STOP_SECONDS):
        return
    processes.send(server.pids(), signal.SIGKILL)
    if not processes.wait_until(lambda: not server.pids(), _KILL_SECONDS):
        left = ", ".join(str(pid) for pid in server.pids())
        raise EmbeddedError(f"{server.name} cannot be stopped; end process {left} by hand.")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


@contextmanager
def _new_lines(log: Path) -> Iterator[_Lines]:
    yield _Lines(log, log.stat().st_size if log.exists() else 0)


class _Lines:
    """The lines that a log got since this object was made."""

    def __init__(self, log: Path, start: int) -> None:
        self._log, self._start = log, start

    def __call__(self) -> Iterator[str]:
        with self._log.open("rb") as handle:
            handle.seek(self._start)
            yield from handle.read().decode(errors="replace").splitlines()


def _reason(lines: list[str]) -> str:
    """The line that tells a person why: the first fatal one, else the last."""
    for word in ("FATAL:", "PANIC:", "FATAL CONFIG", "Bad file format", "# Fatal", "rror"):
        for line in lines:
            if word in line:
                return line.strip().rstrip(".")
    return lines[-1].strip().rstrip(".") if lines else "it ended without a word"
