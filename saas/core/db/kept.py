"""Connections that are kept between requests: how they are known to be alive, and when they end.

Django asks the server with an empty query before the first statement of each request: a round trip of every request for
what almost never happens. But the kernel knows already: a server that ends a session closes it, and then the socket has
something to read. So the socket is looked at, which asks nobody, and the server is asked only when the socket has
something, or when a session stood idle so long that something in between may have forgotten it without a word.

A session that breaks between the look and the statement makes that request fail, as 503 with Retry-After
(saas.core.api.failures); nothing is ever sent a second time, so no write happens twice. The next request looks again.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn

# Shorter than any firewall or balancer waits before it forgets a connection that says nothing.
IDLE_SECONDS = 15.0
# So much earlier than CONN_MAX_AGE says the first of many connections that were made together end.
SPREAD = 0.2
_GOLDEN = 0.6180339887498949


class KeptConnection(PostgresWrapper):
    """For DatabaseWrapper: looks at its session before each request, and gives it up after some time or libraries."""

    # (Django's own; its stubs do not know them)
    health_check_done: bool
    health_check_enabled: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._used = 0.0
        self._schemas: set[str] = set()
        super().__init__(*args, **kwargs)

    def connect(self) -> None:
        """Open it; it ends between 80 and 100 % of CONN_MAX_AGE, spread so that no two neighbours end together."""
        super().connect()
        self._used = time.monotonic()
        self._schemas.clear()
        age = self.settings_dict["CONN_MAX_AGE"]
        if age:
            self.close_at = self._used + age * (1 - SPREAD * spread(self._pgconn().backend_pid))

    def entered(self, schema: str) -> None:
        """Note that a statement runs in this schema: the server keeps what it has read of each one's tables."""
        self._schemas.add(schema)

    def close_if_unusable_or_obsolete(self) -> None:
        """Django calls it before and after each request and task."""
        if self.health_check_done:  # something was sent since it was last called
            self._used = time.monotonic()
        most = self.settings_dict.get("LIBRARIES_PER_CONNECTION")
        if most and len(self._schemas) > most and not self.in_atomic_block:
            self.close()
        super().close_if_unusable_or_obsolete()

    def close_if_health_check_failed(self) -> None:
        """Django calls it before each statement; the first one of a request looks."""
        if self.connection is None or self.health_check_done or not self.health_check_enabled:
            return
        asks = time.monotonic() - self._used > IDLE_SECONDS or not is_quiet(self._pgconn())
        if asks and not self.is_usable():
            self.close()
        self.health_check_done = True

    def _pgconn(self) -> PGconn:
        pgconn: PGconn = self.connection.pgconn
        return pgconn


def is_quiet(pgconn: PGconn) -> bool:
    """Whether the session is open and the server has sent nothing unasked: neither its end nor anything else."""
    if pgconn.status != ConnStatus.OK:
        return False
    poll = select.poll()
    poll.register(pgconn.socket, select.POLLIN)
    return not poll.poll(0)


def spread(number: int) -> float:
    """From 0 to 1, far apart for numbers that follow one another, as the server's processes do."""
    return number * _GOLDEN % 1
