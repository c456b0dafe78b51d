"""Telling every process that a library has changed: a stamp in Redis that is looked at once a second.

Each process keeps what it knows of hosts (saas.core.tenancy.hosts) while the stamp is the one it saw. Who changes a
library renews the stamp after its commit, so that a suspension holds everywhere within a second or so. A text drawn at
random and not a counter: a Redis that has lost its data would count up to a number that somebody has seen before.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import structlog
from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
LOOK_SECONDS = 1.0
# Redis that has just not answered is left alone for so long: one request in it waits for the time-out.
REST_SECONDS = 5.0


def key() -> str:
    """Where the stamp is: two installations on one Redis server do not disturb each other."""
    return f"libraryhub:hosts:{settings.DATABASES['default']['NAME']}"


def announce() -> None:
    """Tell all processes to look again. Raises RedisError where Redis is away."""
    _redis().set(key(), uuid.uuid4().hex)


class Watch:
    """What this process last saw of the stamp. Thread-safe: one thread looks, the others go on meanwhile."""

    def __init__(self) -> None:
        self._stamp: bytes | None = None
        self._next_look = 0.0
        self._looking = threading.Lock()
        self.is_blind = True

    def has_changed(self) -> bool:
        """Whether what was known before this call may be wrong now; True as well when Redis is back after a failure."""
        if time.monotonic() < self._next_look or not self._looking.acquire(blocking=False):
            return False
        try:
            return self._look()
        finally:
            self._looking.release()

    def _look(self) -> bool:
        try:
            stamp = _redis().get(key())
        except (RedisError, OSError) as error:
            if not self.is_blind:
                log.warning("hosts.stamp_unreadable", error=type(error).__name__)
            self.is_blind, self._next_look = True, time.monotonic() + REST_SECONDS
            return False
        # What is loaded from now on is at least as new as the stamp that was just read.
        self._next_look = time.monotonic() + LOOK_SECONDS
        changed = self.is_blind or stamp != self._stamp
        self._stamp, self.is_blind = stamp, False
        return changed


def _redis() -> Any:
    # The cache's connections, with its short time-outs, without its hiding of failures.
    return get_redis_connection("default")
