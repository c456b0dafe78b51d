"""Waking the relay of a schema after a commit, without keeping anybody waiting for the broker.

A thread of each process tells the broker, at most once in PAUSE seconds for a library. What it has not told when the
process ends is found by the sweeper, as is everything while the broker is away: the messages are safe in their tables.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import structlog
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from saas.core.logging import request_id
from saas.core.tenancy import LibraryContext, current_library_or_none, current_schema

log = structlog.get_logger(__name__)
# Seconds without another try after a failure; the sweeper delivers meanwhile, as soon as it can.
REST_SECONDS = 10.0
# Seconds in which the thread wakes a library once, however many commits ask for it.
PAUSE = 0.1


class Broker:
    """Whether this process sends to the broker at the moment: after a failure one thread at a time finds out."""

    def __init__(self) -> None:
        self._rests_until = 0.0
        self._has_failed = False

    def send(self, message: Callable[[], None], *, schema: str) -> None:
        """Send, or leave it to the sweeper. Raises nothing of the broker's; an outage is logged once, and its end."""
        moment = time.monotonic()
        if moment < self._rests_until:
            return
        if self._has_failed:
            self._rests_until = moment + REST_SECONDS  # for the others, while this thread waits for an answer
        try:
            message()
        except (OperationalError, RedisError) as error:
            if not self._has_failed:
                log.warning("outbox.wake_failed", schema=schema, error=type(error).__name__)
            self._has_failed, self._rests_until = True, time.monotonic() + REST_SECONDS
        else:
            if self._has_failed:
                log.info("outbox.wake_works_again", schema=schema)
            self._has_failed, self._rests_until = False, 0.0


class Waker:
    """The thread that tells the broker whom to wake. It begins with the first wake-up and dies with the process."""

    def __init__(self, send: Callable[[LibraryContext | None, str], None], *, pause: float = PAUSE) -> None:
        """`send` wakes a library, or the public site (None), on behalf of the request with this id."""
        self._send, self._pause = send, pause
        self.forget()

    def forget(self) -> None:
        """Begin anew, without a thread: a forked process has none, and its parent wakes whom it was asked to."""
        self._asked: dict[LibraryContext | None, str] = {}
        self._is_asked = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self, library: LibraryContext | None) -> None:
        """Have a library (None: the public site) woken soon; returns at once."""
        with self._is_asked:
            self._asked.setdefault(library, request_id())
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="outbox-waker", daemon=True)
                self._thread.start()
            self._is_asked.notify()

    def _run(self) -> None:
        while True:
            with self._is_asked:
                self._is_asked.wait_for(lambda: self._asked)
                asked, self._asked = self._asked, {}
            for library, request in asked.items():
                try:
                    self._send(library, request)
                except Exception:  # a fault of ours costs this wake-up, not all that come after it
                    log.exception("outbox.waker_failed")
            time.sleep(self._pause)


def _send(library: LibraryContext | None, request: str) -> None:
    from shared_apps.delivery import tasks

    schema = library.schema_name if library is not None else "public"
    broker.send(lambda: tasks.wake(library, request), schema=schema)


broker = Broker()
waker = Waker(_send)


def _begin_anew() -> None:
    waker.forget()


os.register_at_fork(after_in_child=_begin_anew)


def wake_after_commit() -> None:
    """One wake-up for each transaction and schema, however many messages it writes."""
    schema = current_schema()
    if any(getattr(hook[1], "wakes", None) == schema for hook in connection.run_on_commit):
        return
    library = current_library_or_none()

    def wake() -> None:
        if current_app.conf.task_always_eager:
            _send(library, request_id())  # the task runs here and now, on this connection
        else:
            waker.wake(library)

    wake.wakes = schema  # type: ignore[attr-defined]
    transaction.on_commit(wake)
