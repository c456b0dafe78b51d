"""The ordinary path for one library of the fleet: for migrations that no script can stand for, and drifted schemas.

Django's `migrate` runs in the library's schema, each migration in its own transaction. Killed between two of them, the
library is still a laggard, and the next run goes on where this one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from psycopg import sql

from saas.core.db.owner import owner_connection
from saas.core.schemas import replay
from shared_apps.fleet.services.applying import (
    Outcome,
    Patience,
    Result,
    connect,
    error_text,
    is_transient,
    note_failure,
    pause,
)
from shared_apps.fleet.services.ordinary import Target, migrate_schema_ordinarily
from shared_apps.fleet.services.releases import current_key, key_of, library_migrations
from shared_apps.fleet.services.rows import Rows, permission_script, read_rows

_CLAIM = """
SELECT 1 FROM public.fleet_libraryschema WHERE name = %s AND release = %s FOR UPDATE SKIP LOCKED
"""
_MARK = """
UPDATE public.fleet_libraryschema
SET release = %s, migrated_at = %s, error = '', failed_at = NULL, attempts = 0 WHERE name = %s
"""


def migrate_alone(
    *,
    schema: str,
    old: str,
    targets: Sequence[Target] | None,
    wanted: Rows | None,
    patience: Patience,
    clock: Callable[[], datetime],
) -> Result:
    """Migrate one schema of the release `old` (a key) to `targets` by the ordinary path, and note a failure.

    `wanted` are the content types and permissions of the release that it comes to, where that is known: they are
    written first, with their ids, so that Django finds them and gives out none of its own.
    """
    for attempt in range(patience.retries + 1):
        try:
            return _once(schema, old, targets, wanted, patience, clock)
        except Exception as error:  # noqa: BLE001  whatever a migration's own Python raises, the others have their turn
            transient = is_transient(error)
            if not transient or attempt == patience.retries:
                text = error_text(error)
                with connect() as connection:
                    note_failure(connection, schema=schema, release=old, error=text, now=clock())
                return Result(schema, Outcome.FAILED, text, transient)
        pause(attempt)
    raise AssertionError("the loop ends by returning")


def _once(
    schema: str,
    old: str,
    targets: Sequence[Target] | None,
    wanted: Rows | None,
    patience: Patience,
    clock: Callable[[], datetime],
) -> Result:
    with connect() as claim, claim.transaction():
        # Held until the end: another run passes this library over.
        if claim.execute(_CLAIM, [schema, old]).fetchone() is None:
            return Result(schema, Outcome.ELSEWHERE)
        with owner_connection() as wrapper, wrapper.cursor() as cursor:
            cursor.execute(sql.SQL("SET lock_timeout = {}").format(f"{patience.lock_timeout * 1000:.0f}ms"))
            if wanted is not None:
                _write_permissions(wrapper, cursor, schema, wanted)
            migrate_schema_ordinarily(wrapper, schema, targets)
            new = current_key() if targets is None else _key_in(cursor, schema)
        if new == old:
            return Result(schema, Outcome.ELSEWHERE)
        claim.execute(_MARK, [new, clock(), schema])
    return Result(schema, Outcome.MIGRATED)


def _write_permissions(wrapper: Any, cursor: Any, schema: str, wanted: Rows) -> None:
    parts = permission_script(read_rows(cursor, schema), wanted)
    if parts:
        replay(wrapper, ";\n".join(part.as_string(wrapper.connection) for part in parts), schema)


def _key_in(cursor: Any, schema: str) -> str:
    """The release that a schema is at by what it has recorded itself."""
    labels = {name.split(".")[0] for name in library_migrations()}
    recorded = read_rows(cursor, schema).migrations
    return key_of(f"{app}.{name}" for app, name in recorded if app in labels)
