"""A command's transaction, and the one order in which rows are locked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from psycopg import sql

from saas.core.errors import DomainError
from saas.core.writes.statements import Statement, Values, Write

# The place in LOCK_ORDER up to which this thread's transaction has locked; None outside of a command.
_reached: ContextVar[int | None] = ContextVar("lock_order_reached", default=None)


class LockOrderBroken(RuntimeError):
    """A row was about to be locked against LOCK_ORDER, or after the facts: two commands could wait for each other."""


class Lock(Statement):
    """How one row of a kind is found and locked until the transaction ends (FOR NO KEY UPDATE).

    The template selects the primary key and other columns of that row alone: those are its newest, also after a wait;
    columns of joined rows would be as old as the statement. `kind` is the model, and among `tables` under some alias.
    """

    def __init__(self, kind: type[models.Model], template: str, **tables: type[models.Model]) -> None:
        super().__init__(template, **tables)
        self.kind = kind
        self._alias = next(alias for alias, model in tables.items() if model is kind)

    @cached_property
    def place(self) -> int:
        """Where the kind stands in LOCK_ORDER. Raises LockOrderBroken for one that does not."""
        label = self.kind._meta.label_lower
        if label not in settings.LOCK_ORDER:
            raise LockOrderBroken(f"{label} has no place in LOCK_ORDER")
        return int(settings.LOCK_ORDER.index(label))

    def _composed(self) -> sql.Composable:
        return sql.SQL("{} FOR NO KEY UPDATE OF {}").format(super()._composed(), sql.Identifier(self._alias))


class Unit:
    """What a command does to the database, in this order: lock, facts, write."""

    def __init__(self) -> None:
        self._has_looked = False
        self.has_written = False

    def lock(self, lock: Lock, values: Values) -> tuple[Any, ...] | None:
        """Lock a row and return what the lock selects of it; None where there is none.

        Raises LockOrderBroken after the facts, or where this transaction has locked a kind that comes later.
        """
        reached = _reached.get() or 0
        if self._has_looked:
            raise LockOrderBroken(f"{lock.kind.__name__} is locked after the facts, which are older then")
        if lock.place < reached:
            raise LockOrderBroken(f"{lock.kind.__name__} is locked after {settings.LOCK_ORDER[reached]}")
        _reached.set(lock.place)
        return lock.row(values)

    def facts(self, facts: Statement, values: Values) -> tuple[Any, ...] | None:
        """Read what the command decides by, under a snapshot that is newer than its locks."""
        self._has_looked = True
        return facts.row(values)

    def write(self, write: Write, values: Values) -> tuple[Any, ...] | None:
        """Write everything in one statement; the row of its answer, None where nothing was written."""
        row = write.row(values)
        self.has_written = self.has_written or row is not None
        return row


@contextmanager
def command() -> Iterator[Unit]:
    """A transaction for one command, or the part of it in the transaction that is open, without a savepoint.

    A refusal (DomainError) before the first write leaves a transaction around it usable, because there is nothing to
    undo; its locks are kept until that one ends. Any other error marks it for rollback, as Django's `atomic()` does.
    """
    is_outermost = not connection.in_atomic_block
    before = _reached.get()
    if before is None:
        _reached.set(0)
    unit = Unit()
    refusal: DomainError | None = None
    try:
        with transaction.atomic(savepoint=False):
            try:
                yield unit
            except DomainError as error:
                if is_outermost or unit.has_written:
                    raise
                refusal = error
    except BaseException:
        _reached.set(before)
        raise
    # In a command inside another one the locks are held until the outer one ends.
    if before is None:
        _reached.set(None)
    if refusal is not None:
        raise refusal
