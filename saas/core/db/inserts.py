"""Inserting rows by statements that are compiled once.

Django compiles every INSERT anew, which takes it longer than PostgreSQL takes to run it. That counts where somebody
waits for a dozen of them, and for the audit entry and the outbox message of each change.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models, router
from psycopg import sql


def insert(*rows: models.Model, skip_taken: bool = False) -> None:
    """Insert new rows of one model into the current schema in one statement; they get their keys as from `save`.

    Plain values alone, no expressions and no parents; sends no signals. With `skip_taken` rows that a unique index
    refuses are left out, and none gets its key. Raises what the database refuses with, and WrongLibrary before anything
    is written.
    """
    if not rows:
        return
    model = type(rows[0])
    homes = [router.db_for_write(model, instance=row) for row in rows]
    head, fields, tail = _parts(model)
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection=connection)
        for row in rows
        for field in fields
    ]
    one = f"({', '.join(['%s'] * len(fields))})"
    with connection.cursor() as cursor:
        if skip_taken:
            cursor.execute(f"{head}{', '.join([one] * len(rows))} ON CONFLICT DO NOTHING", values)
            return
        cursor.execute(f"{head}{', '.join([one] * len(rows))}{tail}", values)
        keys = cursor.fetchall()
    for row, home, (key,) in zip(rows, homes, keys, strict=True):
        row.pk = key
        row._state.adding = False
        row._state.db = home


@cache
def _parts(model: type[models.Model]) -> tuple[str, Sequence[Any], str]:
    """What comes before the values, the fields that they are of, and what comes after them."""
    options: Any = model._meta
    fields = [field for field in options.concrete_fields if not isinstance(field, models.AutoField)]
    head = sql.SQL("INSERT INTO {} ({}) VALUES ").format(
        sql.Identifier(options.db_table), sql.SQL(", ").join(sql.Identifier(field.column) for field in fields)
    )
    tail = sql.SQL(" RETURNING {}").format(sql.Identifier(options.pk.column))
    return head.as_string(None), fields, tail.as_string(None)
