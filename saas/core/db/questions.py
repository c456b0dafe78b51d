"""Small questions that come with every request: query sets that are composed once and run prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import QuerySet

from saas.core.db.composing import Composed, compiler_of, composed

Row = tuple[Any, ...]


class Question:
    """A query set of `values_list`, composed at its first run.

    Columns come as psycopg reads them: refused are those that Django would convert (cast JSON to text, and read that).
    """

    def __init__(self, compose: Callable[[], QuerySet[Any, Any]]) -> None:
        self._compose = compose

    def first(self, **given: Any) -> Row | None:
        """The first row, None without one; one statement. `given` has a value for each Bind, by name."""
        return _first(self._composed, given)

    @cached_property
    def _composed(self) -> Composed:
        return _as_stored(self._compose())


class Questions:
    """Several questions of one value each, in one statement, whatever tables they are about.

    Each is a query set of one column and at most one row; None where it finds none.
    """

    def __init__(self, compose: Callable[[], Mapping[str, QuerySet[Any, Any]]]) -> None:
        self._compose = compose

    def answers(self, **given: Any) -> dict[str, Any]:
        """Each question's answer, by its name; one statement, or none where nothing is asked."""
        asked, together = self._composed
        row = _first(together, given) if asked else ()
        return dict(zip(asked, row or (), strict=True))

    @cached_property
    def _composed(self) -> tuple[list[str], Composed]:
        asked = {name: _as_stored(rows) for name, rows in self._compose().items()}
        text = ", ".join(f"({one.text})" for one in asked.values())
        names = dict.fromkeys(name for one in asked.values() for name in one.names)
        return list(asked), Composed(f"SELECT {text}", tuple(names))


def _as_stored(rows: QuerySet[Any, Any]) -> Composed:
    compiler = compiler_of(rows)
    found = composed(compiler)
    converted = compiler.get_converters([column for column, _sql, _alias in compiler.select])
    if converted:
        raise ImproperlyConfigured(f"a question's columns come as they are stored: cast {converted}")
    return found


def _first(question: Composed, given: Mapping[str, Any]) -> Row | None:
    with connection.prepared_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(question.text, question.values(given))
        row: Row | None = cursor.fetchone()
        return row
