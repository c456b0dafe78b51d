"""Statements that are composed once for the process. Names of tables and columns come from the models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, cast

from django.db import connection, models
from psycopg import sql

from saas.core.writes.parts import Part

Values = Mapping[str, Any]
_PLACE = re.compile(r"\{(\w+)(?:([.:])(\w+))?\}")


def composed(template: str, **tables: type[models.Model]) -> sql.Composed:
    """Put names of tables and columns into SQL that is written in the code.

    `{loan}` is the table of the model given as `loan`, under this alias; `{loan.copy}` the column of its field `copy`,
    with the alias; `{loan:copy}` the same without, as SET and INSERT want it. Raises FieldDoesNotExist, KeyError.
    """
    return sql.Composed(list(_pieces(template, tables)))


def _pieces(template: str, tables: Mapping[str, type[models.Model]]) -> Iterator[sql.Composable]:
    end = 0
    for place in _PLACE.finditer(template):
        yield sql.SQL(template[end : place.start()])
        end = place.end()
        alias, mark, field = place.groups()
        options = tables[alias]._meta
        if field is None:
            yield sql.SQL("{} AS {}").format(sql.Identifier(options.db_table), sql.Identifier(alias))
        else:
            column: str = cast(Any, options.pk if field == "pk" else options.get_field(field)).column
            yield sql.Identifier(alias, column) if mark == "." else sql.Identifier(column)
    yield sql.SQL(template[end:])


class Statement:
    """One statement whose text is the same for every library, so that its plan can be kept.

    Values stand in it as `%(name)s::type`: the server is told the text before it knows them.
    """

    def __init__(self, template: str, **tables: type[models.Model]) -> None:
        self._template, self._tables = template, tables

    @cached_property
    def text(self) -> str:
        """The SQL; composed at the first use, when all models are there."""
        return self._composed().as_string(None)

    def _composed(self) -> sql.Composable:
        return composed(self._template, **self._tables)

    def row(self, values: Values) -> tuple[Any, ...] | None:
        """Run it in the current schema; its first row, None without one."""
        with cast(Any, connection).prepared_cursor() as cursor:
            cursor.execute(self.text, _sent(values))
            return cast("tuple[Any, ...] | None", cursor.fetchone())

    def run(self, values: Values) -> int:
        """Run it where it answers with no rows; the number of rows that it wrote."""
        with cast(Any, connection).prepared_cursor() as cursor:
            cursor.execute(self.text, _sent(values))
            return int(cursor.rowcount)


def _sent(values: Values) -> dict[str, Any]:
    """Numbers as text: psycopg would tell PostgreSQL their size, and each size is another prepared statement."""
    return {name: str(value) if type(value) is int else value for name, value in values.items()}


class Write(Statement):
    """Several writes in one statement: its parts, each a CTE that may use those before it, and what it answers.

    PostgreSQL carries out every part, used or not, under one snapshot: no part sees the rows of another but through
    RETURNING, so no row may be written by two of them. What a part wants done `after` is done when it has been written.
    """

    def __init__(self, parts: Callable[[], Iterable[Part]], answer: str) -> None:
        super().__init__(answer)
        self._make = parts

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts, composed at the first use."""
        return tuple(self._make())

    def _composed(self) -> sql.Composable:
        named = [sql.SQL("{} AS ({})").format(sql.Identifier(part.name), part.query) for part in self.parts]
        return sql.SQL("WITH {} {}").format(sql.SQL(", ").join(named), super()._composed())

    def row(self, values: Values) -> tuple[Any, ...] | None:
        """Write, in the caller's transaction; the row of the answer. None means that nothing was written."""
        row = super().row(values)
        if row is not None:
            for part in self.parts:
                if part.after is not None:
                    part.after()
        return row
