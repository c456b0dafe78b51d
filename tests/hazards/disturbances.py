"""What goes on around a read: each moves, or has moved, the search path behind Django's back.

Each takes a visit and a way of reading (tests.hazards.readings), and must call it at least once in the library.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from django.db import DataError, connection, transaction
from django.db.utils import InterfaceError, OperationalError

from tests.hazards.visits import NAMES, Visit, rows, undone

Read = Callable[[Visit], None]
Disturbance = Callable[[Visit, Read], None]


def nothing(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        read(visit)


def in_a_transaction(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library), transaction.atomic():
        read(visit)


def in_a_savepoint(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library), transaction.atomic(), transaction.atomic():
        read(visit)


def switch_undone_with_its_savepoint(visit: Visit, read: Read) -> None:
    """The first statement in the library, and so the switch, is in the savepoint."""
    visit.glance()
    with visit.switch(visit.library), transaction.atomic():
        with undone():
            visit.saw(rows(NAMES))
        read(visit)


def switch_undone_with_its_transaction(visit: Visit, read: Read) -> None:
    visit.glance()
    with visit.switch(visit.library):
        with undone():
            visit.saw(rows(NAMES))
        read(visit)


def other_library_undone(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        visit.saw(rows(NAMES))
        with visit.switch(visit.other), undone():
            visit.saw(rows(NAMES), visit.other.schema_name)
        read(visit)


def error_in_a_transaction(visit: Visit, read: Read) -> None:
    visit.glance()
    with visit.switch(visit.library):
        with contextlib.suppress(DataError), transaction.atomic():
            visit.saw(rows(NAMES))
            rows("SELECT 1 / 0")
        read(visit)


def error_in_a_savepoint(visit: Visit, read: Read) -> None:
    visit.glance()
    with visit.switch(visit.library), transaction.atomic():
        with contextlib.suppress(DataError), transaction.atomic():
            rows("SELECT 1 / 0")
        read(visit)


def error_outside_a_transaction(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        with contextlib.suppress(DataError):
            rows("SELECT 1 / 0")
        read(visit)


def nested_switches(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        visit.glance()
        visit.glance_at_public()
        read(visit)


def nested_switch_in_a_transaction(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library), transaction.atomic():
        visit.glance()
        visit.glance_at_public()
        read(visit)


def raw_path(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        _send(f'SET search_path TO "{visit.other.schema_name}"')
        read(visit)


def raw_path_in_a_transaction(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library), transaction.atomic():
        visit.saw(rows(NAMES))
        _send(f'SET LOCAL search_path TO "{visit.other.schema_name}"')
        read(visit)


def raw_path_undone(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library), transaction.atomic():
        with undone():
            _send(f'SET search_path TO "{visit.other.schema_name}"')
        read(visit)


def raw_reset(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        _send("RESET ALL")
        read(visit)


def closed_between(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        visit.saw(rows(NAMES))
        connection.close()
        read(visit)


def session_ended_by_the_server(visit: Visit, read: Read) -> None:
    with visit.switch(visit.library):
        visit.end_session(rows("SELECT pg_backend_pid()")[0])
        try:
            visit.saw(rows(NAMES))  # (behind a pooler another server connection may answer)
        except (OperationalError, InterfaceError):
            if not connection.is_dead():  # type: ignore[attr-defined]
                raise
            connection.close()
        read(visit)


def _send(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


DISTURBANCES: tuple[Disturbance, ...] = (
    nothing,
    in_a_transaction,
    in_a_savepoint,
    switch_undone_with_its_savepoint,
    switch_undone_with_its_transaction,
    other_library_undone,
    error_in_a_transaction,
    error_in_a_savepoint,
    error_outside_a_transaction,
    nested_switches,
    nested_switch_in_a_transaction,
    raw_path,
    raw_path_in_a_transaction,
    raw_path_undone,
    raw_reset,
    closed_between,
    session_ended_by_the_server,
)


def name_of(function: Any) -> str:
    """Its name in words."""
    return str(function.__name__).replace("_", " ")
