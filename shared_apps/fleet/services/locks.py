"""Locks of the whole fleet: one process at a time builds a release, fills the pool of spares, migrates `public`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import transaction

from saas.core.db.owner import OWNER, owner_connection


class FleetLock(IntEnum):
    """Numbers of the advisory locks, which share one space in a database."""

    RELEASE = 7326101
    SPARES = 7326102
    PUBLIC = 7326103


@contextmanager
def held(lock: FleetLock, *, wait: bool) -> Iterator[bool]:
    """Hold a lock while the block runs; whether it is ours, which without `wait` it may not be.

    It stands alone, in a transaction of a connection of its own: it ends with the process that holds it, through a
    transaction pooler as well. Waits five minutes at most, then raises OperationalError.
    """
    with owner_connection() as wrapper, transaction.atomic(using=OWNER):
        with wrapper.cursor() as cursor:
            if wait:
                cursor.execute("SET LOCAL lock_timeout = '5min'")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
                is_ours = True
            else:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
                (is_ours,) = cursor.fetchone()
        yield is_ours
