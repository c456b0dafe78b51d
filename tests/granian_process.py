"""A real Granian process for a test: started on a port of its own, looked at from outside, and gone at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from saas.demo import child_start

PROJECT = Path(__file__).resolve().parents[1]
SECONDS_TO_START, SECONDS_TO_STOP = 60.0, 15.0


@dataclass
class Granian:
    """The running process, its port and its log."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def said(self) -> str:
        """Everything that it wrote."""
        return self.log.read_text(errors="replace")

    def stop(self) -> float:
        """Ask it to end, as a release does; the seconds that it took."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not stop: {self.said()[-2000:]}") from None
        return time.monotonic() - started

    def kill(self) -> None:
        """End it and its workers at once."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(SECONDS_TO_STOP)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """That of this process, so that the started one uses the database of this run and its Redis."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        "DATABASE_URL": url._replace(path=f"/{name}").geturl(),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", settings.SETTINGS_MODULE),
        **more,
    }


@contextmanager
def granian(
    interface: str, target: str, *options: str, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Granian]:
    """`target` served by one worker, until the block ends; it ends with this process too."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1", "--log-level", "error", *options, target]
    wrapper = [sys.executable, "-I", "-S", child_start.__file__, str(os.getpid())]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*wrapper, *command],
            cwd=PROJECT,
            env=dict(environment() if env is None else env),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    running = Granian(process, port, log)
    try:
        _await(running)
        yield running
    finally:
        running.kill()


def _await(running: Granian) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        assert running.process.poll() is None, running.said()[-2000:]
        try:
            with socket.create_connection(("127.0.0.1", running.port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < deadline, running.said()[-2000:]
            time.sleep(0.05)
