"""The declaration of a compiled read, and the statements made from it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import models
from django.db.models import F, QuerySet, Value

from saas.core.api.keysets import Key, after, field_of, keys_for
from saas.core.db.binds import Bind, BindAny, given
from saas.core.principals import Principal
from saas.core.reads.compiler import compiled
from saas.core.reads.errors import NotCompilable
from saas.core.reads.expressions import KeysJson, RowJson, TagText, TextOf, Unless, UtcText
from saas.core.reads.selection import WHOLE, Expansions, Selection, names_of, selected
from saas.core.reads.statements import Statement, statement_of, without_library

Rows = QuerySet[Any]
_REGISTERED: dict[str, CompiledRead] = {}
_KEPT = 256
_TAG_CHARS = 12
LOOKUP, TAGS = "_lookup", "_tags"
SIZES = (1, 25, 50, 100)
"""Page sizes whose statements are prepared: the number of rows is in the text, for the sake of the plan."""


@dataclass(frozen=True, eq=False)
class Scope:
    """Part of a read's rows: `narrow` keeps it, with a Bind for each value that differs from caller to caller.

    Make each once, at import. It is known by its identity, never by its name, so that one that is made for a single
    request cannot give another request its statement.
    """

    name: str
    narrow: Callable[[Rows], Rows]

    def with_values(self, **values: Any) -> Scoped:
        """This scope for one caller."""
        return Scoped(self, values)


@dataclass(frozen=True, slots=True)
class Scoped:
    """A scope and the values of its binds; the serializer's context has the same values."""

    scope: Scope
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)


EVERYTHING = Scope("everything", lambda rows: rows)
_ALL = EVERYTHING.with_values()


@dataclass(frozen=True)
class Filter:
    """A query parameter that keeps some rows: `narrow(rows, value)`, where `value` is a bind of `field`'s type.

    `parse` makes the value of the parameter's text, and raises InvalidParameter for what it cannot mean; None leaves
    the filter out. With `choices` the text is one of their keys, and each value narrows the rows by itself.
    """

    narrow: Callable[[Rows, Any], Rows] | None = None
    field: models.Field[Any, Any] = dataclasses.field(default_factory=models.TextField)
    parse: Callable[[str], Any] = str
    choices: Mapping[str, Callable[[Rows], Rows]] = dataclasses.field(default_factory=dict)
    is_parameter: bool = True
    """False where the view gives the value, from the path for instance."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What tells the statements of one read apart; everything else is a value."""

    scope: Scope
    filters: tuple[tuple[str, str | None], ...] = ()
    selection: Selection = WHOLE
    ordering: tuple[str, ...] = ()
    backward: bool = False
    position: tuple[bool, ...] | None = None
    """Of each sort value of the position that the page begins at, whether it is null; None at the very beginning."""
    inclusive: bool = False
    is_row: bool = False
    has_tags: bool = False


class CompiledRead:
    """One list or one record as an endpoint shows it: see the module's guide, docs/guides/reads.md.

    `rows()` returns the query set, with what it prefetches in order; `scope(principal)` says which of the rows a
    caller sees; `lookup` is the field that the path of one record names, "pk" or a text. `tag` are expressions whose
    values name the form in a record's entity tag, beside its version; `expand` is name to a function that makes the
    field which replaces the member. Everything is compiled at first use and kept, at most 256 statements.
    """

    def __init__(
        self,
        serializer: type[Any],
        rows: Callable[[], Rows],
        *,
        scope: Callable[[Principal], Scoped] = lambda principal: _ALL,
        filters: Mapping[str, Filter | Callable[[Rows, Any], Rows]] | None = None,
        ordering: Mapping[str, str] | Sequence[str] = (),
        default_ordering: str = "-id",
        lookup: str = "pk",
        tag: Sequence[Any] = (),
        expand: Expansions | None = None,
        name: str | None = None,
    ) -> None:
        self.serializer, self.rows, self.scope, self.lookup, self.tag = (
            serializer,
            rows,
            scope,
            lookup,
            tuple(tag),
        )
        self.filters = {
            name: one if isinstance(one, Filter) else Filter(one) for name, one in (filters or {}).items()
        }
        self.ordering = dict(ordering) if isinstance(ordering, Mapping) else {one: one for one in ordering}
        self.default_ordering = default_ordering
        self.expand = dict(expand or {})
        self.name = name or f"{rows.__module__}.{rows.__qualname__} as {serializer.__qualname__} by {lookup}"
        self.statement = lru_cache(_KEPT)(self._statement)
        self.keys = lru_cache(_KEPT)(self._keys)
        _REGISTERED[self.name] = self

    # -- the plain side: the same declaration, evaluated by Django and DRF --------------------------------------------

    def plain(self, selection: Selection = WHOLE, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer itself, of the selected members, for these instances."""
        made = self.serializer(*args, **kwargs)
        selected(getattr(made, "child", made), selection, self.expand)
        return made

    def names(self, selection: Selection = WHOLE) -> list[str]:
        """The names that `?fields=` knows."""
        return list(names_of(self.plain(Selection(None, selection.expand))))

    def matching(self, scope: Scope, filters: Sequence[tuple[str, str | None]] = ()) -> Rows:
        """Return the ordinary query set of a scope and of filters; evaluate it inside of `given(values)`."""
        rows = scope.narrow(self.rows())
        for name, choice in filters:
            one = self.filters[name]
            if choice is not None:
                rows = one.choices[choice](rows)
            elif one.narrow is not None:
                rows = one.narrow(rows, Bind(name, one.field))
        return rows

    # -- the compiled side --------------------------------------------------------------------------------------------

    def _keys(self, ordering: tuple[str, ...]) -> tuple[tuple[Key, ...], tuple[Any, ...]]:
        """The keys of an ordering and the model fields of their values."""
        with without_library():
            rows = self.rows()
            keys = tuple(keys_for(rows, ordering))
            return keys, tuple(field_of(rows, key.path) for key in keys)

    def _statement(self, variant: Variant) -> Statement | None:
        with without_library():
            rows = self.matching(variant.scope, variant.filters)
            body = compiled(self.plain(variant.selection), rows)
            if variant.is_row:
                return statement_of(self._row(rows, body, variant))
            return statement_of(self._page(rows, body, variant))

    def _page(self, rows: Any, body: RowJson, variant: Variant) -> Any:
        keys, fields = self.keys(variant.ordering)
        rows = rows.annotate(
            _json=body, _keys=KeysJson(*(_exact(key.path, of) for key, of in zip(keys, fields, strict=True)))
        )
        rows = rows.values_list("_json", "_keys").order_by(
            *(key.order(reverse=variant.backward) for key in keys)
        )
        if variant.position is None:
            return rows
        values = [
            None if is_null else Bind(position_name(at), of)
            for at, (is_null, of) in enumerate(zip(variant.position, fields, strict=True))
        ]
        return rows.filter(after(keys, values, reverse=variant.backward, inclusive=variant.inclusive))

    def _row(self, rows: Any, body: RowJson, variant: Variant) -> Any:
        shown: Any = body
        rows = rows.filter(**{self.lookup: Bind(LOOKUP, field_of(rows, self.lookup))})
        if not self.is_versioned:
            return rows.annotate(_json=body).values_list("_json").order_by()
        tag = self._tag(variant.selection)
        if variant.has_tags:
            shown = Unless(tag, BindAny(TAGS, models.TextField()), body)
        return rows.annotate(_json=shown, _tag=tag).values_list("_json", "_tag").order_by()

    @cached_property
    def is_versioned(self) -> bool:
        """Whether the rows have a `version`, and so a record its strong entity tag."""
        with without_library():
            return hasattr(self.rows().model, "version")

    def _tag(self, selection: Selection) -> TagText:
        parts: list[Any] = [Value('"'), F("pk"), Value("."), F("version"), Value(".json")]
        for one in self.tag:
            parts += [Value("-"), TextOf(one)]
        if not selection.is_whole:
            chosen = hashlib.sha256(repr(selection).encode()).hexdigest()[:_TAG_CHARS]
            parts.append(Value(f"~{chosen}"))
        return TagText(*parts, Value('"'))


def registered() -> tuple[CompiledRead, ...]:
    """Every read that was declared so far."""
    return tuple(_REGISTERED.values())


def position_name(at: int) -> str:
    """The name of the bind for the sort value at this place."""
    return f"_after{at}"


def _exact(path: str, of: Any) -> Any:
    if isinstance(of, models.DateTimeField):
        return UtcText(F(path))  # offsets of old have seconds, which Python does not read
    # JSON readers take numbers for floats.
    return TextOf(F(path)) if isinstance(of, models.DecimalField) else F(path)


__all__ = [
    "EVERYTHING",
    "CompiledRead",
    "Filter",
    "NotCompilable",
    "Scope",
    "Scoped",
    "Variant",
    "given",
    "registered",
]
