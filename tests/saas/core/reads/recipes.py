"""Rows for the equality test of each compiled read: every read of the API has its recipe here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis.strategies import DataObject

from saas.core.reads import EVERYTHING, CompiledRead, Scoped
from tenant_apps.branches.api.reads import BRANCHES
from tests.factories import BranchFactory
from tests.saas.core.reads.wild import named, scramble


class Choice(str):
    """A value of a filter that has choices."""


@dataclass(frozen=True)
class Recipe:
    """`make(data, count)` writes rows that the read shows, wild ones, and what hangs on them.

    `scoped` are callers as `scope` would tell them, called after the rows are there; `filters` values that a view
    would make of query parameters, by name.
    """

    make: Callable[[DataObject, int], None]
    scoped: Callable[[], Sequence[Scoped]] = lambda: [Scoped(EVERYTHING)]
    filters: Mapping[str, Callable[[], Sequence[Any]]] = field(default_factory=dict)


def branches(data: DataObject, count: int) -> None:
    for _number in range(count):
        scramble(data, BranchFactory.create(code=named(data)))


RECIPES: dict[CompiledRead, Recipe] = {BRANCHES: Recipe(branches)}
