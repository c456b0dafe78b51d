"""The ASGI application of the process that serves sockets, and nothing else: the API runs on WSGI, which costs less.

A handshake is answered by the rules of every request (host, status of the library, then the route's own); whoever is
refused gets the same problem document, where the server can send one, else a 403. Whatever a handler does, no socket
exceeds the limits, outlives its right for long, or leaves a task behind.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import structlog
from django.http import HttpResponse

from saas.core.api.throttling import address_subject
from saas.core.errors import Busy, NotFound, RateLimited
from saas.core.logging import bind_log_context, start_log_context
from saas.core.sockets.admission import Admission, admit, refusal, request_of
from saas.core.sockets.limits import Handshakes, Limits
from saas.core.sockets.routes import SocketRoute
from saas.core.sockets.socket import INTERNAL, NORMAL, RESTART, Receive, Send, Socket, SocketClosed

Scope = Mapping[str, Any]
# Each has a database connection; they look up hosts and rights, and run what handlers ask the database.
THREADS = 2
LIVE = "/health/live/"
_HTTP, _SOCKET = "http.response", "websocket.http.response"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
access_log = structlog.get_logger("libraryhub.access")
log = structlog.get_logger(__name__)


class Sockets:
    """`application = Sockets(routes)`."""

    def __init__(self, routes: Sequence[SocketRoute], limits: Limits | None = None) -> None:
        self._routes, self._limits = tuple(routes), limits or Limits()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sockets")
        self._handshakes = Handshakes(
            self._limits.handshakes_of_an_address, self._limits.handshake_window_seconds
        )
        self._open: Counter[str | None] = Counter()
        self._serving: set[asyncio.Task[Any]] = set()
        self._admitting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a socket, a request or the life of the process, by the scope's type."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, send)
        else:
            await self._lifespan(receive, send)

    # -- what is no socket ------------------------------------------------------------------------------------------

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, send: Send) -> None:
        request = request_of(scope)
        start_log_context(request.headers.get("X-Request-ID", ""))
        if request.path_info == LIVE and request.method in {"GET", "HEAD"}:
            answer = HttpResponse(orjson.dumps({"status": "ok"}), content_type="application/json")
        else:
            answer = refusal(NotFound(), request)
        await _answer(send, _HTTP, answer, head=request.method == "HEAD")

    # -- sockets ----------------------------------------------------------------------------------------------------

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        await receive()  # websocket.connect
        admission = await self._admission(scope)
        taken = round((time.perf_counter() - started) * 1000, 1)
        status = 101 if isinstance(admission, Admission) else admission.status_code
        access_log.info("socket", path=scope["path"], status=status, milliseconds=taken)
        if not isinstance(admission, Admission):
            await _refuse(scope, send, admission)
            return
        key = None if admission.library is None else admission.library.schema_name
        self._open[key] += 1
        try:
            await self._serve(admission, receive, send)
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    async def _admission(self, scope: Scope) -> Admission | HttpResponse:
        """What is counted is looked at first: it costs nothing, and a flood must not reach the database."""
        request = request_of(scope)
        identifier = start_log_context(request.headers.get("X-Request-ID", ""))
        if wait := self._handshakes.seconds_to_wait(address_subject(request)):
            return refusal(RateLimited(retry_after=wait), request)
        limits = self._limits
        if self._open.total() >= limits.sockets or self._admitting >= limits.handshakes_at_once:
            return refusal(Busy(), request)
        self._admitting += 1
        try:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, admit, request, self._routes, identifier)
            async with asyncio.timeout(limits.handshake_seconds):
                admission = await asked
        except TimeoutError:
            return refusal(Busy(), request)
        finally:
            self._admitting -= 1
        if isinstance(admission, Admission) and admission.library is not None:
            bind_log_context(library=admission.library.subdomain)
            if self._open[admission.library.schema_name] >= limits.sockets_of_a_library:
                return refusal(Busy(), request)
        return admission

    async def _serve(self, admission: Admission, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        socket = Socket(admission.request, admission.library, self._limits, self._threads, receive, send)
        reading = asyncio.create_task(socket.read())
        handling = asyncio.create_task(_handled(admission.route, socket))
        tasks = {reading, handling}
        self._serving |= tasks
        try:
            done, _ = await asyncio.wait(
                tasks, timeout=self._limits.life_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            codes = [RESTART if task.cancelled() else task.result() for task in done] or [RESTART]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._serving -= tasks
        told = [code for code in codes if code is not None]
        if len(told) == len(codes):  # else the client has gone: there is nobody to tell
            await _close(send, max(told))


async def _handled(route: SocketRoute, socket: Socket) -> int | None:
    try:
        await route.handle(socket)
    except SocketClosed:
        return None
    except Exception:
        log.exception("socket.failed", path=route.path)
        return INTERNAL
    return NORMAL


async def _close(send: Send, code: int) -> None:
    try:
        await send({"type": "websocket.close", "code": code})
    except (RuntimeError, OSError):
        log.debug("socket.gone", code=code)


async def _refuse(scope: Scope, send: Send, answer: HttpResponse) -> None:
    if _SOCKET in scope.get("extensions", {}):
        await _answer(send, _SOCKET, answer)
    else:
        await send({"type": "websocket.close", "code": 1008})


async def _answer(send: Send, kind: str, answer: HttpResponse, *, head: bool = False) -> None:
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers["Content-Length"] = str(len(answer.content))
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.items()]
    await send({"type": f"{kind}.start", "status": answer.status_code, "headers": headers})
    await send({"type": f"{kind}.body", "body": b"" if head else answer.content})
