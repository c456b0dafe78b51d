"""An open socket, as its handler sees it, and the limits that hold for whatever the handler does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar

from django.db import close_old_connections
from django.http import HttpRequest

from saas.core.sockets.limits import Limits
from saas.core.tenancy import LibraryContext, in_library, in_public

P = ParamSpec("P")
R = TypeVar("R")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# RFC 6455, 7.4.1
NORMAL, GOING_AWAY, POLICY, TOO_BIG, INTERNAL, RESTART = 1000, 1001, 1008, 1009, 1011, 1012


class SocketClosed(Exception):
    """The other side has gone, or reads too slowly; the handler may let it pass."""


class Socket:
    """Messages of one client. `request` is the handshake's, `library` None on the public site."""

    def __init__(
        self,
        request: HttpRequest,
        library: LibraryContext | None,
        limits: Limits,
        threads: Executor,
        receive: Receive,
        send: Send,
    ) -> None:
        self.request, self.library = request, library
        self._limits, self._threads = limits, threads
        self._receive_raw, self._send_raw = receive, send
        self._inbox: asyncio.Queue[str | bytes] = asyncio.Queue(limits.messages_waiting)
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()

    async def receive(self) -> str | bytes:
        """The next message; waits for it. While too many wait to be taken, no more are read from the client."""
        return await self._inbox.get()

    async def send(self, message: str | bytes) -> None:
        """Send a message. Raises SocketClosed where the client has gone or does not take it in `send_seconds`."""
        kind = "text" if isinstance(message, str) else "bytes"
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._send_raw({"type": "websocket.send", kind: message})
                # What is sent to a client that has gone is taken at once: the others, and the news of it, have a turn.
                await asyncio.sleep(0)
        except (TimeoutError, RuntimeError, OSError) as error:
            raise SocketClosed from error
        self._last = self._loop.time()

    async def in_library(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code (queries) in a thread, in the schema that the host of this socket names."""

        def call() -> R:
            close_old_connections()
            try:
                with in_public() if self.library is None else in_library(self.library):
                    return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await self._loop.run_in_executor(self._threads, call)

    async def read(self) -> int | None:
        """For the application: take what the client sends; ends with the code to close with, None where it has gone."""
        window, counted = 0, 0
        while True:
            message = await self._next()
            if message is None:
                return GOING_AWAY
            if message["type"] != "websocket.receive":
                return None
            text = message.get("text")
            data = message.get("bytes") if text is None else text
            if data is None or _bytes_of(data) > self._limits.message_bytes:
                return TOO_BIG
            second = int(self._loop.time())
            window, counted = second, counted + 1 if second == window else 1
            if counted > self._limits.messages_a_second:
                return POLICY
            await self._inbox.put(data)

    async def _next(self) -> Message | None:
        """The client's next message; None where neither side has said anything for `idle_seconds`."""
        waiting = asyncio.ensure_future(self._receive_raw())
        try:
            while True:
                left = self._last + self._limits.idle_seconds - self._loop.time()
                done, _ = await asyncio.wait({waiting}, timeout=max(0.0, left))
                if done:
                    self._last = self._loop.time()
                    return waiting.result()
                if self._last + self._limits.idle_seconds <= self._loop.time():
                    return None
        finally:
            waiting.cancel()


def _bytes_of(data: str | bytes) -> int:
    return len(data.encode()) if isinstance(data, str) else len(data)
