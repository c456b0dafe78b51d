"""Several clients at once: a process of its own, which knows neither Django nor JSON of answers.

Reads from standard input what each client sends over and over (`work`), keeps one connection for each client, sends the
next request as soon as the answer is whole, and writes to standard output how long each took. One loop over bare
sockets with requests that were written beforehand: about 30 microseconds of a core for a request, reported as `cpu`.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from itertools import cycle
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
SILENCE_SECONDS = 30.0


class WrongAnswer(RuntimeError):
    """Another status than expected, or no answer: times of such requests mean nothing."""


class Client:
    """One connection, and the endless sequence of what is sent on it, in units that are never left half done."""

    def __init__(self, port: int, units: list[list[tuple[bytes, int]]]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._units = cycle(units)
        self._rest: list[tuple[bytes, int]] = []
        self._answer = b""
        self._status, self._sent_at = 0, 0.0
        self.taken: list[float] = []

    def send(self, *, more: bool) -> bool:
        """Send the next request; False where the unit is at its end and there shall not be another one."""
        if not self._rest:
            if not more:
                return False
            self._rest = list(next(self._units))
        request, self._status = self._rest.pop(0)
        self._answer, self._sent_at = b"", time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Read what has come; True once the answer is whole. Raises WrongAnswer."""
        part = self.socket.recv(1 << 18)
        if not part:
            raise WrongAnswer("the server closed the connection")
        self._answer += part
        if not is_whole(self._answer):
            return False
        self.taken.append(time.perf_counter() - self._sent_at)
        if self._answer[9:12] != str(self._status).encode():
            raise WrongAnswer(f"not {self._status} but {self._answer[:600]!r}")
        return True


def is_whole(answer: bytes) -> bool:
    """Whether head and body are there. Raises WrongAnswer for a body without a length."""
    end = answer.find(_HEAD_END)
    if end < 0:
        return False
    length = _LENGTH.search(answer, 0, end + 2)
    if length is None:
        raise WrongAnswer(f"no Content-Length: {answer[:end]!r}")
    return len(answer) >= end + len(_HEAD_END) + int(length[1])


def drive(clients: list[Client], seconds: float) -> float:
    """Let all clients work for this long, then finish what they have begun; the seconds that it took."""
    with selectors.DefaultSelector() as ready:
        started = time.perf_counter()
        until = started + seconds
        for client in clients:
            client.send(more=True)
            ready.register(client.socket, selectors.EVENT_READ, client)
        while ready.get_map():
            found = ready.select(SILENCE_SECONDS)
            if not found:
                raise WrongAnswer(f"no answer for {SILENCE_SECONDS:.0f} seconds")
            for key, _events in found:
                client = key.data
                if client.receive() and not client.send(more=time.perf_counter() < until):
                    ready.unregister(client.socket)
        return time.perf_counter() - started


def work(port: int, seconds: float, clients: list[list[list[tuple[str, int]]]]) -> dict[str, Any]:
    """Milliseconds of every request, the seconds of the whole, and the seconds of CPU that this process used."""
    ready = [
        Client(port, [[(request.encode(), status) for request, status in unit] for unit in units])
        for units in clients
    ]
    used = time.process_time()
    try:
        took = drive(ready, seconds)
    finally:
        for client in ready:
            client.socket.close()
    used = time.process_time() - used
    return {
        "milliseconds": [one * 1000 for client in ready for one in client.taken],
        "seconds": took,
        "cpu": used,
    }


def main() -> int:
    """Work once; the exit code is 1 where an answer was wrong."""
    try:
        json.dump(work(**json.load(sys.stdin)), sys.stdout)
    except (WrongAnswer, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
