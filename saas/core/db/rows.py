"""One row by a unique column, without composing its statement each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import models, router
from django.db.models import QuerySet, TextField

from saas.core.db.binds import Bind
from saas.core.db.questions import Question

Rows = Callable[[], QuerySet[Any, Any]]


class RowBy:
    """Finds a row of `rows()`, a query set that is the same at each call, by the text in a unique column."""

    def __init__(self, rows: Rows, field: str) -> None:
        self._rows, self._field = rows, field
        self._statement: Question | None = Question(self._values)
        self._names: list[str] = []
        self._model: type[models.Model] | None = None

    def find(self, value: str) -> models.Model | None:
        """The row as the query set would find it, None without one; one query."""
        if self._statement is None:
            return self._rows().filter(**{self._field: value}).first()
        try:
            found = self._statement.first(value=value)
        except ImproperlyConfigured:  # it has a column that Django converts: the ordinary way, from now on
            self._statement = None
            return self.find(value)
        if found is None or self._model is None:
            return None
        return self._model.from_db(router.db_for_read(self._model), self._names, found)

    def _values(self) -> QuerySet[Any, Any]:
        rows = self._rows()
        query = rows.query if isinstance(rows, QuerySet) else None
        if (
            query is None
            or query.select_related
            or query.annotations
            or query.deferred_loading[0]
            or query.is_sliced
        ):
            raise ImproperlyConfigured("more than the columns of its model is asked for")
        self._model = rows.model
        self._names = [field.attname for field in rows.model._meta.concrete_fields]
        by_text = {self._field: Bind("value", TextField())}
        return rows.filter(**by_text).order_by().values_list(*self._names)


@lru_cache(maxsize=1_000)
def row_by(rows: Rows, field: str) -> RowBy:
    """The finder for a function and a field, made once for the process."""
    return RowBy(rows, field)
