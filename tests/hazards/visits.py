"""One visit: a thread works in one library, and every row that it sees must name that library."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.db import connection

from saas.core.db.errors import SwitchInTransaction
from saas.core.tenancy import PUBLIC, LibraryContext
from tests.hazards.scene import TABLE

NAMES = f"SELECT name FROM {TABLE} ORDER BY id"
Switch = Callable[[LibraryContext], AbstractContextManager[Any]]


@dataclass
class Tally:
    """What one thread, or all of them together, have seen.

    `wrong` names each read that did not show its own library's rows and nothing else, `strays` each row that was left
    in another schema than it names, `failed` each visit that ended in an error; `lost` counts visits begun again
    because another thread had the server connection ended under them.
    """

    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    lost: int = 0

    def add(self, other: Tally) -> None:
        """Count another thread's in."""
        self.reads += other.reads
        self.wrong += other.wrong
        self.failed += other.failed
        self.lost += other.lost


@dataclass
class Visit:
    """One library's turn of one thread. `other` is a library that it must never see by mistake.

    `serial` differs between all visits of a run: rows that the visit writes are known by it. `end_session` has the
    server end the session of a process id. `switch` enters a library: saas.core.tenancy.in_library, but for backends
    that are not ours.
    """

    library: LibraryContext
    other: LibraryContext
    serial: str
    tally: Tally
    switch: Switch
    end_session: Callable[[int], None]
    label: str = ""

    def saw(self, names: Iterable[str], expected: str | None = None) -> None:
        """Note one read: every row must name the library (or `expected`), and there must be rows."""
        expected = self.library.schema_name if expected is None else expected
        found = set(names)
        self.tally.reads += 1
        if found != {expected}:
            self.tally.wrong.append(f"{self.label}: {expected} saw {sorted(found) or 'nothing'}")

    def glance(self) -> None:
        """Read the other library by the way, in a block of its own; where a transaction forbids it, do without."""
        with contextlib.suppress(SwitchInTransaction), self.switch(self.other):
            self.saw(rows(NAMES), self.other.schema_name)

    def glance_at_public(self) -> None:
        """The same for the public schema."""
        from saas.core.tenancy import in_public

        with contextlib.suppress(SwitchInTransaction), in_public():
            self.saw(rows(NAMES), PUBLIC)


def rows(query: str, parameters: Any = None) -> list[Any]:
    """First column of what a query of Django's ordinary cursor gives."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [row[0] for row in cursor.fetchall()]


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """A transaction, or a savepoint in one, that is rolled back at the end of the block."""
    from django.db import transaction

    with contextlib.suppress(_Undo), transaction.atomic():
        yield
        raise _Undo


class _Undo(Exception):
    """Only to leave `undone`."""


class Watched:
    """Mixed into a backend: counts the sessions that were dead before Django closed them.

    Behind a pooler one thread's session is another's as well: it may end in the middle of anything, the driver's
    errors are then of every kind, and Django has connected anew before they arrive.
    """

    found_dead = 0
    connection: Any

    def _close(self) -> Any:
        self.found_dead += self.is_dead()
        return super()._close()  # type: ignore[misc]

    def is_dead(self) -> bool:
        """Whether there is a session, and the server has ended it."""
        if self.connection is None:
            return False
        try:
            self.connection.pgconn.exec_(b"SELECT 1")
        except psycopg.Error:
            return True
        return bool(self.connection.closed)
