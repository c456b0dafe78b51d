"""Places in a query set for the values that each run of its statement brings along.

A query set with binds is composed once (saas.core.db.composing) and kept; only the values differ from run to run.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.expressions import Expression, Func

_GIVEN: ContextVar[Mapping[str, Any] | None] = ContextVar("values of binds", default=None)

# The first that fits. Without lengths: a cast to varchar(40) would cut off what is longer, and find another row; and
# whole numbers with 64 bits, so that one that is too big for its column is found nowhere instead of being an error.
_CASTS: tuple[tuple[type[models.Field[Any, Any]], str], ...] = (
    (models.BooleanField, "boolean"),
    (models.IntegerField, "bigint"),
    (models.CharField, "text"),
    (models.TextField, "text"),
    (models.DateTimeField, "timestamptz"),
    (models.DateField, "date"),
    (models.TimeField, "time"),
    (models.DecimalField, "numeric"),
    (models.UUIDField, "uuid"),
)


class Bind(Expression):
    """An expression whose value, of `output_field`'s type, each run gives by its name; None is SQL's NULL.

    For query sets that are composed once. Evaluated as they are, they have a value only inside `given`.
    """

    many = False

    def __init__(self, name: str, output_field: models.Field[Any, Any]) -> None:
        if not name.isidentifier():
            raise ValueError(f"{name!r} is no name for a value")
        self.name = name
        super().__init__(output_field=output_field)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """Return the placeholder with its type, and this bind, or its value where one is given, as the parameter."""
        values = _GIVEN.get()
        return self.sql(), [self if values is None else as_text(values[self.name])]

    def sql(self) -> str:
        """The placeholder, cast to the type of the field."""
        return f"%s::{cast_of(self.output_field)}"


class BindAny(Bind):
    """The same for several values: `filter(Among("branch", BindAny("branches", models.BigIntegerField())))`."""

    many = True

    def sql(self) -> str:
        """The placeholder of an array, to stand on the right of an `=`."""
        return f"ANY(%s::{cast_of(self.output_field)}[])"


class Among(Func):
    """Whether a value is one of those of a BindAny, for `filter()`: a lookup would put parentheses around the ANY."""

    template = "%(expressions)s"
    arg_joiner = " = "
    output_field = models.BooleanField()


def cast_of(field: models.Field[Any, Any]) -> str:
    """Return the SQL type that values for `field` are cast to. Raises TypeError where there is none."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    for kind, name in _CASTS:
        if isinstance(field, kind):
            return name
    raise TypeError(f"{type(field).__name__} cannot be the type of a bind")


def as_text(value: Any) -> str | None:
    """Return a value as PostgreSQL reads it, None for null.

    As text, whose type the cast in the statement decides: psycopg would choose one by the size of a number, and have
    the statement prepared again for each.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, dt.date | dt.time):  # moments are dates too
        return value.isoformat()
    if isinstance(value, Iterable):
        return "{" + ",".join(_element(as_text(member)) for member in value) + "}"
    raise TypeError(f"{type(value).__name__} cannot be the value of a bind")


def _element(text: str | None) -> str:
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def given(values: Mapping[str, Any]) -> Iterator[None]:
    """Give the binds of ordinary query sets their values, to evaluate inside the block what else is compiled."""
    token = _GIVEN.set(values)
    try:
        yield
    finally:
        _GIVEN.reset(token)
