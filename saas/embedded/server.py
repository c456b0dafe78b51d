"""What Postgres and Redis have in common: look, start, wait, stop."""

from __future__ import annotations

import enum
import signal
import time
from pathlib import Path
from typing import Protocol

from saas.embedded import processes
from saas.embedded.errors import EmbeddedError

# Recovery after a crash may take long; silence may not.
_START_SECONDS = 90.0
_SILENCE_SECONDS = 5.0
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
    # signals of an orderly stop of the main process, and for processes that lost theirs
    stop_signal: signal.Signals
    orphan_signal: signal.Signals

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def probe(self) -> State:
        """Ask over the socket."""

    def processes(self) -> dict[int, str]:
        """All its living processes, whoever started them: title by pid."""

    def main_pid(self, found: dict[int, str]) -> int | None:
        """The process among them that listens and commands; None when it died before the others."""

    def spawn(self) -> int:
        """Make the data if missing, remove what a dead predecessor left, start; returns the pid."""

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
    seen = server.log.stat().st_size if server.log.exists() else 0
    pid = server.spawn()
    deadline = time.monotonic() + _START_SECONDS
    while (state := server.probe()) is not State.UP:
        if state is State.DOWN and not processes.is_alive(pid):
            raise server.refusal(_reason(server.log, seen))
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"{server.name} is still starting after {_START_SECONDS:.0f} s; read {server.log}."
            )
        time.sleep(_POLL_SECONDS)
    return True


def _settled(server: Server) -> bool:
    """Wait for a server that is on its way up (True) or down (False); end one that is stuck (False)."""
    deadline = time.monotonic() + _START_SECONDS
    silent_since = time.monotonic()
    while found := server.processes():
        state = server.probe()
        if state is State.UP:
            return True
        if state is State.BUSY:
            silent_since = time.monotonic()
        lost = server.main_pid(found) is None
        if lost or time.monotonic() > min(deadline, silent_since + _SILENCE_SECONDS):
            shut_down(server, patience=_SILENCE_SECONDS)
        time.sleep(_POLL_SECONDS)
    return False


def shut_down(server: Server, *, patience: float = 60.0) -> None:
    """Stop the server in order; after `patience` seconds kill what is left.

    Raises EmbeddedError when even that leaves processes.
    """
    found = server.processes()
    if not found:
        return
    main = server.main_pid(found)
    if main is None:
        processes.send(found, server.orphan_signal)
    else:
        processes.send([main], server.stop_signal)
    if processes.wait_until(lambda: not server.processes(), patience):
        return
    processes.send(server.processes(), signal.SIGKILL)
    if not processes.wait_until(lambda: not server.processes(), _KILL_SECONDS):
        left = ", ".join(str(pid) for pid in server.processes())
        raise EmbeddedError(f"{server.name} cannot be stopped; end process {left} by hand.")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _reason(log: Path, start: int) -> str:
    """What the log says from byte `start` on, in one line: the first fatal one, else the last."""
    with log.open("rb") as handle:
        handle.seek(start)
        lines = [line.strip().rstrip(".") for line in handle.read().decode(errors="replace").splitlines()]
    for word in ("PANIC: ", "FATAL: ", "Bad file format", "rror"):
        for line in lines:
            if word in line:
                return line[line.find(word) :] if word != "rror" else line
    return next((line for line in reversed(lines) if line), "it ended without a word")
