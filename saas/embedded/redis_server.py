"""The embedded Redis: an append-only file, a unix socket, no port."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from saas.embedded import processes
from saas.embedded.binaries import Binaries
from saas.embedded.errors import EmbeddedError
from saas.embedded.layout import Layout, private_dir
from saas.embedded.server import State

_PROBE_SECONDS = 2.0


@dataclass
class RedisServer:
    """See server.Server. Redis runs as whoever starts it, root included."""

    layout: Layout
    binaries: Binaries
    name: str = "Redis"
    stop_signal: signal.Signals = signal.SIGTERM  # Redis writes everything and ends
    orphan_signal: signal.Signals = signal.SIGTERM

    @property
    def log(self) -> Path:
        return self.layout.logs / "redis.log"

    def processes(self) -> dict[int, str]:
        marks = (f"unixsocket:{self.layout.redis_socket} ",)
        return processes.find(self.layout.redis, program="redis-server", marks=marks)

    def main_pid(self, found: dict[int, str]) -> int | None:
        return min(found, default=None)

    def probe(self) -> State:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PROBE_SECONDS)
            try:
                connection.connect(os.fsencode(self.layout.redis_socket))
                connection.sendall(b"PING\r\n")
                answer = connection.recv(256)
            except OSError:
                return State.DOWN
        if answer.startswith(b"+PONG"):
            return State.UP
        return State.BUSY if answer.startswith(b"-") else State.DOWN

    def spawn(self) -> int:
        private_dir(self.layout.redis)
        # The defaults of the command line, and no configuration file: nothing to be half written.
        settings = {
            "port": "0",
            "unixsocket": str(self.layout.redis_socket),
            "unixsocketperm": "700",
            "dir": str(self.layout.redis),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "3600 1 300 100",
            "daemonize": "no",
        }
        options = [part for key, value in settings.items() for part in (f"--{key}", value)]
        return processes.spawn_detached([str(self.binaries.redis), *options], log=self.log)

    def refusal(self, reason: str) -> EmbeddedError:
        return EmbeddedError(
            f"Redis does not start from the data folder {self.layout.redis} ({reason}); read {self.log},"
            " or start with --fresh to begin with empty records."
        )
