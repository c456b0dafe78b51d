"""Statements that are composed once and run with every request.

Django composes the SQL of a query set anew each time, which takes it twenty times as long as PostgreSQL takes to answer
one row. A Statement is an ordinary query set with places for the values that differ (`Given`), so that what a table
means stays in the selectors of its app; only its text is kept. It holds no schema: each run is answered by the library
that is current then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, Expression, Field, Func, QuerySet
from psycopg import sql

Names = Sequence[str]
Row = tuple[Any, ...]


class Given(Expression):
    """A value that each run of a Statement brings along by this name; None is SQL's NULL."""

    def __init__(self, name: str, output_field: Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """The place and its type, which PostgreSQL cannot always tell from where it stands."""
        return f"%s::{self.output_field.db_type(connection)}", [self]


class IsOneOf(Func):
    """`IsOneOf(F("code"), Given("codes", ArrayField(TextField())))`: whether a column has one of the given values."""

    template, arg_joiner, output_field = "(%(expressions)s))", " = ANY (", BooleanField()


class Statement:
    """A query set of `values_list`, composed at its first run.

    Columns come as psycopg reads them: refused are those that Django would convert (cast JSON to text, and read that).
    """

    def __init__(self, compose: Callable[[], QuerySet[Any, Any]]) -> None:
        self._compose = compose

    def first(self, **given: Any) -> Row | None:
        """The first row, None without one; one statement. `given` has a value for each Given, by name."""
        text, places = self._text
        return _first(text, _filled(places, given))

    @cached_property
    def _text(self) -> tuple[str, Names]:
        return _composed(self._compose())


class Answers:
    """Several questions of one value each, in one statement, whatever tables they are about.

    Each is a query set of one column and at most one row; None where it finds none.
    """

    def __init__(self, compose: Callable[[], Mapping[str, QuerySet[Any, Any]]]) -> None:
        self._compose = compose

    def ask(self, **given: Any) -> dict[str, Any]:
        """Each question's answer, by its name; one statement, or none where nothing is asked."""
        names, text, places = self._text
        row = _first(text, _filled(places, given)) if names else ()
        return dict(zip(names, row or (), strict=True))

    @cached_property
    def _text(self) -> tuple[list[str], str, Names]:
        asked = {name: _composed(rows) for name, rows in self._compose().items()}
        text = ", ".join(f"({one})" for one, _places in asked.values())
        return list(asked), f"SELECT {text}", [place for _one, places in asked.values() for place in places]


def _composed(rows: QuerySet[Any, Any]) -> tuple[str, Names]:
    compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
    text, places = compiler.as_sql()
    converted = compiler.get_converters([column for column, _sql, _alias in compiler.select])
    if converted:
        raise ImproperlyConfigured(f"a statement's columns come as they are stored: cast {converted}")
    # Doubled, since psycopg reads the text as a template once more.
    written = text.replace("%%", "%%%%") % tuple(map(_written, places))
    return written, tuple(place.name for place in places if isinstance(place, Given))


def _written(place: Any) -> str:
    """A constant as itself: the server plans for it, and has to guess no type."""
    return "%s" if isinstance(place, Given) else sql.Literal(place).as_string(None).replace("%", "%%")


def _filled(names: Names, given: Mapping[str, Any]) -> list[Any]:
    return [_sent(given[name]) for name in names]


def _sent(value: Any) -> Any:
    """Numbers and lists as text: psycopg would tell PostgreSQL their size, and each is another prepared statement."""
    if isinstance(value, list):
        return f"{{{','.join(map(_element, value))}}}"
    return str(value) if isinstance(value, int) else value


def _element(value: Any) -> str:
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _first(text: str, params: list[Any]) -> Row | None:
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(text, params)
        row: Row | None = cursor.fetchone()
        return row
