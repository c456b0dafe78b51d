"""A connection to Redis of a thread's own, for what every request asks: one message there, one answer back.

No pool is locked, nothing is retried behind the caller's back, and an answer that comes too late is never taken for the
next one's: its connection is closed. Whoever asks decides what to do without Redis.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS = 0.5
_own = threading.local()


class RedisLine:
    """One connection, made when it is first used and again when it has broken. For one thread alone."""

    def __init__(self, url: str, timeout: float = TIMEOUT_SECONDS) -> None:
        """Raises ValueError for what is no address of a Redis server."""
        pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._connection: Any = pool.make_connection()

    def ask(self, parts: Iterable[bytes]) -> Any:
        """Send one command and return its answer.

        Raises redis.ConnectionError, redis.TimeoutError, or redis.ResponseError for an answer that is an error.
        """
        message = packed(parts)
        kept = self._connection.is_connected
        try:
            return self._exchange(message)
        except redis.ConnectionError:
            # A kept connection ends with the server that it led to; the next one may be up already.
            if not kept:
                raise
            return self._exchange(message)

    def _exchange(self, message: list[bytes]) -> Any:
        # Both close the connection where they fail.
        self._connection.send_packed_command(message)
        return self._connection.read_response()

    def close(self) -> None:
        """Close the connection; the next question makes a new one."""
        self._connection.disconnect()


def line_to(url: str) -> RedisLine:
    """This thread's line to a Redis server. A process that was forked makes its own. Raises ValueError."""
    known: dict[str, RedisLine] | None = getattr(_own, "lines", None)
    if known is None or _own.process != os.getpid():
        known, _own.process = {}, os.getpid()
        _own.lines = known
    line = known.get(url)
    if line is None:
        line = known[url] = RedisLine(url)
    return line


def packed(parts: Iterable[bytes]) -> list[bytes]:
    """A command as Redis reads it, in the form that the connection takes."""
    written = [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
    return [b"*%d\r\n%b" % (len(written), b"".join(written))]
