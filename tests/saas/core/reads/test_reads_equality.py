"""Every compiled read says what its plain serializer says: over wild rows, in every ordering, from every position."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import orjson
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from saas.core.api.compiled import sort_values
from saas.core.api.keysets import ordered, values_of
from saas.core.api.renderers import dump
from saas.core.db import binds
from saas.core.reads import CompiledRead, Scoped, registered
from saas.core.reads.read import LOOKUP, Variant, position_name
from saas.core.reads.selection import WHOLE, Selection
from tests.saas.core.reads.recipes import RECIPES, Choice, Recipe

EXAMPLES = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # (shrinking rows in a database takes minutes)
    suppress_health_check=list(HealthCheck),
)
READS = [pytest.param(read, recipe, id=read.name) for read, recipe in RECIPES.items()]
every_read = pytest.mark.parametrize(("read", "recipe"), READS)


def test_every_read_has_a_recipe() -> None:
    for urls in ("saas.urls_library", "saas.urls_public"):
        import_module(urls)
    reads = [read for read in registered() if not read.rows.__module__.startswith("tests.")]
    assert reads
    assert [read.name for read in reads if read not in RECIPES] == []


@every_read
@EXAMPLES
@given(data=st.data())
def test_lists(in_north: Any, read: CompiledRead, recipe: Recipe, data: DataObject) -> None:
    with _rows(data, recipe, data.draw(st.integers(0, 3))):
        for scoped, filters, values in _asked(recipe):
            for ordering, backward in itertools.product(_orderings(read), (False, True)):
                variant = Variant(scoped.scope, filters, ordering=ordering, backward=backward)
                assert _compiled(read, variant, values) == _plain(read, variant, values)


@every_read
@EXAMPLES
@given(data=st.data())
def test_pages(in_north: Any, read: CompiledRead, recipe: Recipe, data: DataObject) -> None:
    """From each row on, with it and without it, in both directions: what the whole list has there."""
    with _rows(data, recipe, 3):
        for scoped, filters, values in _asked(recipe):
            ordering = data.draw(st.sampled_from(_orderings(read)))
            backward, inclusive = data.draw(st.booleans()), data.draw(st.booleans())
            whole = Variant(scoped.scope, filters, ordering=ordering, backward=backward)
            for at, (place, _row) in enumerate(found := _with_places(read, whole, values)):
                nulls = tuple(value is None for value in place)
                variant = Variant(
                    scoped.scope,
                    filters,
                    ordering=ordering,
                    backward=backward,
                    position=nulls,
                    inclusive=inclusive,
                )
                given_place = {position_name(number): value for number, value in enumerate(place)}
                rest = [row for _place, row in found[at if inclusive else at + 1 :]]
                assert _compiled(read, variant, {**values, **given_place}) == rest


@every_read
@EXAMPLES
@given(data=st.data())
def test_positions(in_north: Any, read: CompiledRead, recipe: Recipe, data: DataObject) -> None:
    """The sort values are those that a plain page would write into its cursors."""
    with _rows(data, recipe, 3):
        for ordering in _orderings(read):
            variant = Variant(_asked(recipe)[0][0].scope, ordering=ordering)
            keys, _fields = read.keys(ordering)
            values = _asked(recipe)[0][2]
            with binds.given(values):
                rows = list(ordered(read.matching(variant.scope), keys, reverse=False))
            assert [place for place, _row in _with_places(read, variant, values)] == [
                values_of(row, keys) for row in rows
            ]


@every_read
@EXAMPLES
@given(data=st.data())
def test_records(in_north: Any, read: CompiledRead, recipe: Recipe, data: DataObject) -> None:
    with _rows(data, recipe, 2):
        for scoped, _filters, values in _asked(recipe):
            for row in _instances(read, Variant(scoped.scope), values):
                lookup = {LOOKUP: _of(row, read.lookup)}
                found = _compiled(read, Variant(scoped.scope, is_row=True), {**values, **lookup})
                assert found[:1] == [_json(read.plain(WHOLE, row, context=values).data)]


@every_read
@EXAMPLES
@given(data=st.data())
def test_selections(in_north: Any, read: CompiledRead, recipe: Recipe, data: DataObject) -> None:
    with _rows(data, recipe, 2):
        expand = tuple(
            sorted(data.draw(st.sets(st.sampled_from(sorted(read.expand)))) if read.expand else ())
        )
        names = st.sampled_from(read.names(Selection(None, expand)))
        selection = Selection(tuple(sorted(data.draw(st.sets(names, min_size=1)))), expand)
        scoped, filters, values = _asked(recipe)[0]
        ordering = _orderings(read)[0]
        variant = Variant(scoped.scope, filters, selection, ordering=ordering)
        assert _compiled(read, variant, values) == _plain(read, variant, values)


# -- both sides ---------------------------------------------------------------------------------------------------------


@contextmanager
def _rows(data: DataObject, recipe: Recipe, count: int) -> Iterator[None]:
    """Rows of the recipe; all undone afterwards."""
    with transaction.atomic():
        recipe.make(data, count)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield
        transaction.set_rollback(True)


def _asked(recipe: Recipe) -> list[tuple[Scoped, tuple[tuple[str, str | None], ...], dict[str, Any]]]:
    """Every scope without a filter, and the first with each value of each filter."""
    scopes = recipe.scoped()
    found = [(scoped, (), dict(scoped.values)) for scoped in scopes]
    for name, values in recipe.filters.items():
        for value in values():
            first = scopes[0]
            is_choice = isinstance(value, Choice)
            asked = (name, str(value)) if is_choice else (name, None)
            found.append((first, (asked,), {**first.values, name: value}))
    return found


def _orderings(read: CompiledRead) -> list[tuple[str, ...]]:
    default = read.default_ordering
    public = [default.removeprefix("-"), *read.ordering]
    paths = [read.ordering.get(name, name) for name in dict.fromkeys(public)]
    return [(sign + path,) for path in paths for sign in ("", "-")]


def _compiled(read: CompiledRead, variant: Variant, values: dict[str, Any]) -> list[Any]:
    return [row for _place, row in _with_places(read, variant, values)]


def _with_places(read: CompiledRead, variant: Variant, values: dict[str, Any]) -> list[tuple[Any, Any]]:
    statement = read.statement(variant)
    if statement is None:
        return []
    # (psycopg reads no moments in another style than ISO, Django none in another zone: for this statement alone)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL DateStyle TO German")
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
        result = statement.run(values, limit=1_000, prepared=True)
        cursor.execute("SET LOCAL DateStyle TO ISO")
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
    rows = [orjson.loads(result.get_value(at, 0)) for at in range(result.ntuples)]
    if variant.is_row:
        return [(None, row) for row in rows]
    _keys, fields = read.keys(variant.ordering)
    return [(sort_values(result.get_value(at, 1), fields), row) for at, row in enumerate(rows)]


def _plain(read: CompiledRead, variant: Variant, values: dict[str, Any]) -> list[Any]:
    rows = _instances(read, variant, values)
    return list(_json(read.plain(variant.selection, rows, many=True, context=values).data))


def _instances(read: CompiledRead, variant: Variant, values: dict[str, Any]) -> Sequence[Any]:
    rows = read.matching(variant.scope, variant.filters)
    keys, _fields = read.keys(variant.ordering or ("-pk",))
    with binds.given(values):
        return list(ordered(rows, keys, reverse=variant.backward))


def _json(data: Any) -> Any:
    return orjson.loads(dump(data))


def _of(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name)
        row = row.earliest("pk") if hasattr(row, "earliest") else row
    return row
