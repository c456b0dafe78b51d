"""One library's step from one release to another: one message to the server, which is one transaction.

The script of a group is the same for each of its libraries: it names no schema. The message around it first writes the
new release into the library's row of the registry, which locks the row, so that two runs at once do each library once,
and then chooses the schema: killed anywhere, a library is wholly at the one release or wholly at the other. A spare
that a script was tried on is no spare any more: its starting rows are those of the release before.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from saas.core.db.owner import OWNER

# What the first statement fails with where the library is no longer at its release: another run has migrated it.
_MOVED_ON = "fleet:moved-on:"
# Not granted in time, deadlock, serialization; the server shuts down, starts, or has ended the session.
_WORTH_ANOTHER_TRY = frozenset({"55P03", "40P01", "40001", "57P01", "57P02", "57P03"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0

_MESSAGE = """
SET LOCAL lock_timeout = {lock_timeout};
WITH moved AS (
    UPDATE public.fleet_libraryschema
    SET release = {new}, migrated_at = {now}, error = '', failed_at = NULL, attempts = 0,
        state = CASE state WHEN 'spare' THEN 'unfinished' ELSE state END
    WHERE name = {name} AND release = {old} RETURNING 1
) SELECT CASE count(*) WHEN 0 THEN CAST({moved_on} || count(*) AS integer) END FROM moved;
SET LOCAL search_path = {schema}, extensions;
{script}
"""
_NOTE_FAILURE = """
UPDATE public.fleet_libraryschema SET error = %s, failed_at = %s, attempts = attempts + 1
WHERE name = %s AND release = %s
"""


class Outcome(Enum):
    """What became of one library."""

    MIGRATED = "migrated"
    ELSEWHERE = "elsewhere"
    """Another run has done it meanwhile."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """One library's outcome; `error` is what it failed with, `transient` whether a later try may succeed."""

    schema: str
    outcome: Outcome
    error: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a statement waits for a lock (seconds), and how often a library is tried again.

    The wait is below PostgreSQL's deadlock_timeout (1 s): in a deadlock between a migration and a request it is the
    migration that gives way.
    """

    lock_timeout: float = 0.8
    retries: int = 5


@dataclass(frozen=True, slots=True)
class Step:
    """From the release `old` to `new` (keys), by a script that names no schema."""

    old: str
    new: str
    script: str

    def message(self, schema: str, patience: Patience, now: datetime) -> str:
        """All that is sent for one library."""
        parts = {
            "lock_timeout": sql.Literal(f"{patience.lock_timeout * 1000:.0f}ms"),
            "name": sql.Literal(schema),
            "schema": sql.Identifier(schema),
            "old": sql.Literal(self.old),
            "new": sql.Literal(self.new),
            "now": sql.Literal(now),
            "moved_on": sql.Literal(_MOVED_ON),
            "script": sql.SQL(self.script),
        }
        return sql.SQL(_MESSAGE).format(**parts).as_string(None)


def connect() -> psycopg.Connection[Any]:
    """A connection of its own as the owner, without Django around it: threads may have one each. Autocommit."""
    wrapper: Any = connections.create_connection(OWNER)
    params = {**wrapper.get_connection_params(), "cursor_factory": psycopg.ClientCursor}
    return psycopg.connect(**params, autocommit=True)


class Applier:
    """One worker: its connection, opened when first needed and opened anew when it was lost."""

    def __init__(self, patience: Patience, clock: Callable[[], datetime]) -> None:
        self._patience, self._clock = patience, clock
        self._connection: psycopg.Connection[Any] | None = None

    def apply(self, step: Step, schema: str) -> Result:
        """Take one library's schema through the step; a failure is noted in its row of the registry."""
        message, lost = step.message(schema, self._patience, self._clock()), False
        for attempt in range(self._patience.retries + 1):
            try:
                self._connected().execute(message)
                return Result(schema, Outcome.MIGRATED)
            except psycopg.Error as error:
                if _MOVED_ON in (error.diag.message_primary or ""):
                    # After a lost connection it may have been this very message that had arrived.
                    return Result(schema, Outcome.MIGRATED if lost else Outcome.ELSEWHERE)
                lost = lost or self._is_lost()
                if not is_transient(error) or attempt == self._patience.retries:
                    return self._failed(step, schema, error)
            pause(attempt)
        raise AssertionError("the loop ends by returning")

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect()
        return self._connection

    def _is_lost(self) -> bool:
        return self._connection is None or bool(self._connection.closed)

    def _failed(self, step: Step, schema: str, error: psycopg.Error) -> Result:
        text, transient = error_text(error), is_transient(error)
        try:
            note_failure(self._connected(), schema=schema, release=step.old, error=text, now=self._clock())
        except psycopg.Error as lost:
            text = f"{text} (and it could not be noted: {error_text(lost)})"
        return Result(schema, Outcome.FAILED, text, transient)


def is_transient(error: BaseException) -> bool:
    """Whether another try may succeed where this one failed: a lock, a deadlock, a connection that was lost."""
    if isinstance(error.__cause__, psycopg.Error):  # Django's errors wrap the driver's
        error = error.__cause__
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate in _WORTH_ANOTHER_TRY or error.sqlstate.startswith("08")


def note_failure(
    connection: psycopg.Connection[Any], *, schema: str, release: str, error: str, now: datetime
) -> None:
    """Write what a library's migration died of into its row, unless it has been migrated meanwhile."""
    connection.execute(_NOTE_FAILURE, [error, now, schema, release])


def error_text(error: BaseException) -> str:
    """What went wrong, on one line, with the SQLSTATE where there is one."""
    text = " ".join(str(error).split()) or type(error).__name__
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    return f"{text} ({state})" if state else text


def pause(attempt: int) -> None:
    """Wait before the next try: longer each time, and never the same for two libraries."""
    share = 0.5 + secrets.randbelow(1000) / 1000
    time.sleep(share * min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
