"""Parts of a writing statement: an app renders the rows of its own tables, another app's statement carries them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from psycopg import sql


@dataclass(frozen=True, slots=True)
class Part:
    """One CTE: its name, its SQL, and what is to be done when the statement has written something."""

    name: str
    query: sql.Composable
    after: Callable[[], None] | None = None


def inserting(
    name: str,
    model: type[models.Model],
    *,
    values: Mapping[str, str],
    computed: Mapping[str, sql.Composable] | None = None,
    of: str | None = None,
    ending: str = "",
    after: Callable[[], None] | None = None,
) -> Part:
    """The part `name` that inserts a row of a model, or one for each row of the part `of`.

    `values` says by column which value of the statement it gets; `computed` columns are SQL, which may use the part
    `of`; the others get their field's default, written into the SQL, or the database's own. `ending` is what follows
    the row, such as ON CONFLICT and RETURNING. Raises TypeError for an unknown column or a default that is no
    constant.
    """
    columns: dict[str, sql.Composable] = {}
    unknown = {*values, *(computed or {})}
    for field in model._meta.concrete_fields:
        column = str(field.column)
        unknown.discard(column)
        if column in values:
            columns[column] = sql.SQL("{}::{}").format(sql.Placeholder(values[column]), _type(field))
        elif (value := (computed or {}).get(column) or _default(field)) is not None:
            columns[column] = value
    if unknown:
        raise TypeError(f"{model._meta.label} has no column {', '.join(sorted(unknown))}")
    query = sql.SQL("INSERT INTO {} ({}) SELECT {}{}{}").format(
        sql.Identifier(str(model._meta.db_table)),
        sql.SQL(", ").join(sql.Identifier(column) for column in columns),
        sql.SQL(", ").join(columns.values()),
        sql.SQL(" FROM {}").format(sql.Identifier(of)) if of else sql.SQL(""),
        sql.SQL(f" {ending}" if ending else ""),
    )
    return Part(name, query, after)


def _type(field: Any) -> sql.SQL:
    """The type of a column without its length: a cast to a length cuts silently what the column would refuse."""
    return sql.SQL(re.sub(r"\(.*\)", "", field.db_type(connection)))


def _default(field: Any) -> sql.Composable | None:
    """The default of a column as SQL; None for one that the database fills, or leaves empty, by itself."""
    if isinstance(field, models.AutoField) or field.has_db_default():
        return None
    if field.has_default() and callable(field.default) and field.default not in (dict, list):
        raise TypeError(f"{field} has a default that is made anew for each row: give or compute it")
    value = field.get_default()
    if value is None:
        return None
    return sql.Literal(field.get_db_prep_save(value, connection=connection))
