"""Values that no sane librarian enters, for every kind of column, and the rows that hold them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from tests.factories import unique

_Positive = (models.PositiveIntegerField, models.PositiveSmallIntegerField, models.PositiveBigIntegerField)
# PostgreSQL stores every character but NUL, and no half of a surrogate pair.
_CHARACTERS = st.characters(exclude_characters="\x00", exclude_categories=("Cs",))
_NASTY = [
    "",
    " ",
    '"',
    "\\",
    "\\u0000",
    "\x01\x1f\x7f",
    "</script>",
    "%s %(a)s %%",
    "É 日本 😀 \u2028",
    "'; --",
    "null",
]
_FIRST = dt.datetime(1, 1, 2, tzinfo=dt.UTC)
_LAST = dt.datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=dt.UTC)
_SIZES = {models.SmallIntegerField: 15, models.PositiveSmallIntegerField: 15, models.BigIntegerField: 63}


def wild(field: Any) -> SearchStrategy[Any] | None:
    """Values for a column; None where rows of a recipe say themselves what stands in it."""
    found = _plain(field)
    if found is None or field.unique or field.primary_key or field.is_relation:
        return None
    return st.none() | found if field.null else found


def _plain(field: Any) -> SearchStrategy[Any] | None:
    if isinstance(field, ArrayField):
        inner = _plain(field.base_field)
        return None if inner is None else st.lists(inner, max_size=3)
    if isinstance(field, SearchVectorField | models.BinaryField | models.ForeignKey):
        return None
    for kind, strategy in (
        (models.BooleanField, lambda: st.booleans()),
        (models.IntegerField, lambda: _whole(field)),
        (models.CharField, lambda: _text(field.max_length)),
        (models.TextField, lambda: _text(2_000)),
        (models.DateTimeField, lambda: _moments()),
        (models.DateField, lambda: st.dates(_FIRST.date(), _LAST.date())),
        (models.DecimalField, lambda: _decimals(field)),
    ):
        if isinstance(field, kind):
            return strategy()
    return None


def _text(size: int) -> SearchStrategy[str]:
    return st.sampled_from(_NASTY).map(lambda text: text[:size]) | st.text(
        _CHARACTERS, max_size=min(size, 30)
    )


def _whole(field: Any) -> SearchStrategy[int]:
    bits = next((bits for kind, bits in _SIZES.items() if isinstance(field, kind)), 31)
    least = 0 if isinstance(field, _Positive) else -(2**bits)
    return st.sampled_from([least, 2**bits - 1, 0]) | st.integers(least, 2**bits - 1)


def _moments() -> SearchStrategy[dt.datetime]:
    known = [_FIRST, _LAST, _FIRST.replace(microsecond=1), _LAST.replace(microsecond=120_000)]
    summer = dt.datetime(2026, 3, 29, 1, 0, 0, 500, tzinfo=dt.UTC)
    any_time = st.datetimes(
        _FIRST.replace(tzinfo=None), _LAST.replace(tzinfo=None), timezones=st.just(dt.UTC)
    )
    return st.sampled_from([*known, summer]) | any_time


def _decimals(field: Any) -> SearchStrategy[Decimal]:
    most = Decimal(10) ** (field.max_digits - field.decimal_places) - 1
    return st.decimals(0, most, places=field.decimal_places)


def scramble(data: DataObject, row: Any, **chosen: SearchStrategy[Any] | None) -> None:
    """Write wild values into the columns of a row; `chosen` says other strategies, None leaves a column alone."""
    values = {}
    for field in row._meta.concrete_fields:
        strategy = chosen[field.name] if field.name in chosen else wild(field)
        if strategy is not None:
            values[field.name] = data.draw(strategy, label=f"{row._meta.label}.{field.name}")
    type(row)._base_manager.filter(pk=row.pk).update(**values)


def named(data: DataObject, size: int = 40) -> str:
    """A text for a unique column: wild, with a beginning that no other row has."""
    return (unique("u") + data.draw(_text(size)))[:size]
