"""Waking the relay of a schema after commit. A broker that does not answer costs one request its time-out, not all."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from saas.core.tenancy import current_library_or_none, current_schema

log = structlog.get_logger(__name__)
# Seconds without another try after a failure; the sweeper delivers meanwhile, as soon as it can.
REST_SECONDS = 10.0


class Broker:
    """Whether this process sends to the broker at the moment: after a failure one thread at a time finds out."""

    def __init__(self) -> None:
        self._rests_until = 0.0
        self._has_failed = False

    def send(self, message: Callable[[], None], *, schema: str) -> None:
        """Send, or leave it to the sweeper. Raises nothing of the broker's: the message is safe in its table."""
        moment = time.monotonic()
        if moment < self._rests_until:
            return
        if self._has_failed:
            self._rests_until = moment + REST_SECONDS  # for the others, while this thread waits for an answer
        try:
            message()
        except (OperationalError, RedisError) as error:
            self._has_failed, self._rests_until = True, time.monotonic() + REST_SECONDS
            log.warning("outbox.wake_failed", schema=schema, error=type(error).__name__)
        else:
            self._has_failed, self._rests_until = False, 0.0


broker = Broker()


def wake_after_commit() -> None:
    """One wake-up for each transaction and schema, however many messages it writes."""
    schema = current_schema()
    if any(getattr(hook[1], "wakes", None) == schema for hook in connection.run_on_commit):
        return
    library = current_library_or_none()

    def wake() -> None:
        from shared_apps.delivery import tasks

        broker.send(lambda: tasks.wake(library), schema=schema)

    wake.wakes = schema  # type: ignore[attr-defined]
    transaction.on_commit(wake)
