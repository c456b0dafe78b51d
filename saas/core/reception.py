"""Receives a request's body before the request takes one of the few threads that work.

A WSGI server gives a request its thread when the head has arrived, and reading the body waits for the client: as many
slow clients as there are threads would stop everybody else. So the server may have many threads, which only wait; the
work is done by `WORKERS` others, each with its database connection. What is too large to be received beforehand works
in threads of its own, so that slow uploads hold up one another alone.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

# Bytes; as long as the longest body that the API reads outside of uploads, and held in memory.
RECEIVED_BYTES = 1024 * 1024
WORKERS = 4
UPLOAD_WORKERS = 4

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]
Answer = tuple[str, list[tuple[str, str]], bytes]


class Reception:
    """A WSGI application around another one, which gets whole bodies and answers from a bounded number of threads."""

    def __init__(
        self,
        application: Callable[[Environ, Any], Iterable[bytes]],
        *,
        workers: int = WORKERS,
        upload_workers: int = UPLOAD_WORKERS,
    ) -> None:
        self._application = application
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._upload_workers = ThreadPoolExecutor(upload_workers, thread_name_prefix="upload")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does; the body of the answer is held in memory."""
        length = _announced(environ)
        if length > RECEIVED_BYTES:
            workers = self._upload_workers
        else:
            workers = self._workers
            if length:
                environ["wsgi.input"] = _received(environ["wsgi.input"], length)
        status, headers, body = workers.submit(self._answer, environ).result()
        start_response(status, headers)
        return [body]

    def _answer(self, environ: Environ) -> Answer:
        """Run the application to the end: closing its answer is what gives back this thread's connection."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _failed: object = None) -> None:
            started.append((status, headers))

        parts = self._application(environ, start)
        try:
            body = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        return (*started[-1], body)


class _CutShort(io.RawIOBase):
    """A body whose end never came: to read it fails, so that no half of one is ever taken for the whole."""

    def read(self, size: int = -1) -> bytes:
        raise OSError("the client went away before the body was complete")

    def readline(self, size: int | None = -1) -> bytes:
        return self.read()


def _announced(environ: Environ) -> int:
    """Length of the body in bytes, 0 where none is announced as a number."""
    text = str(environ.get("CONTENT_LENGTH") or "")
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


def _received(stream: Any, length: int) -> io.IOBase:
    body = bytearray()
    while part := cast(bytes, stream.read(length - len(body))):
        body += part
    return io.BytesIO(body) if len(body) == length else _CutShort()
