"""The arithmetic of keyset pages: which columns order the rows, and which rows come after a position.

Nulls stand where PostgreSQL puts them by default (last ascending, first descending), so that plain
indexes serve the pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy


@dataclass(frozen=True, slots=True)
class Key:
    """One ordering column: `path` in the query, `alias` on the row, direction, and whether it may be null."""

    path: str
    alias: str
    descending: bool
    nullable: bool

    @property
    def text(self) -> str:
        """The column and its direction, as in `ordering=`."""
        return f"{'-' if self.descending else ''}{self.path}"

    def order(self, *, reverse: bool) -> OrderBy:
        """Return the ORDER BY term; reversed, nulls change sides with the rest."""
        descending = self.descending != reverse
        if not self.nullable:
            return F(self.path).desc() if descending else F(self.path).asc()
        return F(self.path).desc(nulls_first=True) if descending else F(self.path).asc(nulls_last=True)

    def beyond(self, value: Any, *, reverse: bool) -> Q:
        """Return the condition that this column stands strictly after `value`."""
        descending = self.descending != reverse
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if descending else _nothing()
        if descending:
            return Q(**{f"{self.path}__lt": value})
        condition = Q(**{f"{self.path}__gt": value})
        return condition | Q(**{f"{self.path}__isnull": True}) if self.nullable else condition

    def same(self, value: Any) -> Q:
        """Return the condition that this column equals `value`, null equal to null."""
        return Q(**{f"{self.path}__isnull": True}) if value is None else Q(**{self.path: value})


def keys_for(queryset: QuerySet[Any], ordering: Sequence[str]) -> list[Key]:
    """Return the keys of an ordering, made total by the primary key where it is not yet part of it."""
    paths = [(name.removeprefix("-"), name.startswith("-")) for name in ordering]
    if not any(path in ("pk", "id") for path, _descending in paths):
        # The tie-breaker runs with the last column, so that one index can serve both.
        paths.append(("pk", paths[-1][1] if paths else True))
    keys = []
    for at, (path, descending) in enumerate(paths):
        alias = f"_key{at}" if "__" in path else ("pk" if path == "id" else path)
        keys.append(Key(path, alias, descending, _may_be_null(queryset, path)))
    return keys


def ordered(queryset: QuerySet[Any], keys: Sequence[Key], *, reverse: bool) -> QuerySet[Any]:
    """Return the rows in this order; values of related rows are fetched in the same query."""
    related = {key.alias: F(key.path) for key in keys if key.alias.startswith("_key")}
    rows = queryset.annotate(**related) if related else queryset
    return rows.order_by(*(key.order(reverse=reverse) for key in keys))


def after(keys: Sequence[Key], values: Sequence[Any], *, reverse: bool, inclusive: bool = False) -> Q:
    """Return the condition for rows after the position `values` (with its own row if `inclusive`)."""
    wanted = _nothing()
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        wanted |= equal & key.beyond(value, reverse=reverse)
        equal &= key.same(value)
    if inclusive:
        wanted |= equal
    # The first column alone bounds the scan: with it PostgreSQL starts in the index where the page starts.
    first, value = keys[0], values[0]
    return (first.beyond(value, reverse=reverse) | first.same(value)) & wanted


def values_of(row: Any, keys: Sequence[Key]) -> tuple[Any, ...]:
    """Return the sort values of a row, an instance or a dict."""
    if isinstance(row, Mapping):
        return tuple(row["id"] if key.alias == "pk" else row[key.alias] for key in keys)
    return tuple(getattr(row, key.alias) for key in keys)


def field_of(queryset: QuerySet[Any], path: str) -> Any:
    """Return the model field, or the output field of the annotation, that a path of a query set ends in."""
    if path in queryset.query.annotations:
        return queryset.query.annotations[path].output_field
    model: Any = queryset.model
    field: Any = None
    for name in path.split("__"):
        field = model._meta.pk if name == "pk" else model._meta.get_field(name)
        model = field.related_model if field.is_relation else None
    return field if field.concrete else field.target_field


def _nothing() -> Q:
    return Q(pk__in=())


def _may_be_null(queryset: QuerySet[Any], path: str) -> bool:
    model: type[Model] | None = queryset.model
    for name in path.split("__"):
        if name == "pk":
            return False
        try:
            field = model._meta.get_field(name) if model is not None else None
        except FieldDoesNotExist:
            return True  # an annotation: nothing is known of it
        if field is None or getattr(field, "null", True):
            return True
        model = field.related_model if field.is_relation else None
    return False
