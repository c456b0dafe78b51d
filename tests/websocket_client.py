"""A WebSocket client of a few lines (RFC 6455), that can do what no library lets one do: be slow, huge or silent."""

from __future__ import annotations

import base64
import os
import socket
import struct
from dataclasses import dataclass
from types import TracebackType

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


@dataclass(frozen=True)
class Refused(Exception):
    """The handshake was answered like an HTTP request."""

    status: int
    headers: dict[str, str]
    body: bytes


class WebSocket:
    """An open connection: `with WebSocket(port, host, "/ws/echo/") as ws`. Raises Refused."""

    def __init__(self, port: int, host: str, path: str, *, timeout: float = 10, **headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._buffer = b""
        sent = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        status, self.headers = self._head()
        if status != 101:
            body = self._exactly(int(self.headers.get("content-length", "0")))
            self.socket.close()
            raise Refused(status, self.headers, body)

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: str | bytes, kind: int | None = None) -> None:
        """One message in one frame, masked as clients must."""
        payload = data.encode() if isinstance(data, str) else data
        kind = kind or (TEXT if isinstance(data, str) else BINARY)
        length = len(payload)
        short = length if length < 126 else 126 if length < 65_536 else 127
        extended = b"" if short < 126 else struct.pack("!H" if short == 126 else "!Q", length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | kind, 0x80 | short]) + extended + mask + masked)

    def receive(self) -> tuple[int, bytes]:
        """Kind and payload of the next frame. Raises ConnectionError where the server has hung up."""
        first, second = self._exactly(2)
        length = second & 0x7F
        if length > 125:
            length = struct.unpack("!H" if length == 126 else "!Q", self._exactly(2 if length == 126 else 8))[
                0
            ]
        return first & 0x0F, self._exactly(length)

    def text(self) -> str:
        """The next message, which must be a text."""
        kind, payload = self.receive()
        assert kind == TEXT, (kind, payload)
        return payload.decode()

    def closed_with(self) -> int:
        """The code that the server closes with, whatever comes before."""
        while True:
            kind, payload = self.receive()
            if kind == CLOSE:
                return int(struct.unpack("!H", payload[:2])[0]) if payload else 0

    def _head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in rest)
        return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server has hung up")
        self._buffer += data
