"""What no socket may exceed, and the count of handshakes by address."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process; seconds and bytes. What a single address may open in all is the proxy's to say (infra/nginx).

    `life_seconds` is how long a right that has been looked at once holds: a client connects anew and is looked at anew.
    """

    sockets: int = 2_000
    sockets_of_a_library: int = 500
    handshakes_at_once: int = 64
    handshakes_of_an_address: int = 30
    handshake_window_seconds: float = 10.0
    handshake_seconds: float = 10.0
    message_bytes: int = 64 * 1024
    messages_a_second: int = 50
    messages_waiting: int = 16
    idle_seconds: float = 120.0
    send_seconds: float = 10.0
    life_seconds: float = 3_600.0


class Handshakes:
    """How many handshakes each address has made in the present window; nothing is kept of earlier ones."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._counts: Counter[str] = Counter()
        self._ends = 0.0

    def seconds_to_wait(self, address: str) -> int:
        """Count one; 0 where it may go on, else whole seconds until the window ends, at least one."""
        now = time.monotonic()
        if now >= self._ends:
            self._counts.clear()
            self._ends = now + self._seconds
        self._counts[address] += 1
        return 0 if self._counts[address] <= self._most else max(1, round(self._ends - now))
