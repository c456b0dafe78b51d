"""From a serializer and the query set of its rows to the expression that writes one row as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import F, OuterRef, Prefetch, QuerySet
from rest_framework import serializers
from rest_framework.fields import empty

from saas.core.reads.errors import NotCompilable
from saas.core.reads.expressions import ListJson, RowJson
from saas.core.reads.writers import written

_Lists = Mapping[str, "tuple[str, QuerySet[Any] | None]"]


def compiled(serializer: Any, rows: QuerySet[Any]) -> RowJson:
    """Return the JSON object of a row of `rows` as `serializer` would write it, as an expression to annotate with.

    Raises NotCompilable, naming the field.
    """
    query = rows.query
    if query.combinator or query.is_sliced or query.distinct or query.group_by is not None:
        raise NotCompilable(
            "a query set with union(), distinct(), a slice or GROUP BY: count in subqueries instead"
        )
    level = _Level(rows, rows.model, "", _lists_of(rows))
    return level.object_of(serializer, type(serializer).__name__)


@dataclass(frozen=True)
class _Level:
    """Where a serializer stands: its query set, and the model and the path (with `__` at its end) inside of it.

    `lists` says what the query set prefetches: path to the relation and the rows to take.
    """

    rows: QuerySet[Any]
    model: Any
    path: str
    lists: _Lists

    def object_of(self, serializer: Any, where: str, *, present: F | None = None) -> RowJson:
        _require_plain(serializer, where)
        names, expressions = [], []
        for name, field in serializer.fields.items():
            if not field.write_only:
                names.append(name)
                expressions.append(self._member(serializer, name, field, f"{where}.{name}"))
        if not names:
            raise NotCompilable(f"{where} has no fields")
        return RowJson(names, *expressions, present=present)

    def _member(self, serializer: Any, name: str, field: Any, where: str) -> Any:
        offered = getattr(serializer, "compiled", {})
        if name in offered:
            if self.path:
                raise NotCompilable(f"{where}: an expression of its own inside of a related row")
            # (a function, where the expression has a query set in it: one made at import belongs to no library)
            return offered[name]() if callable(offered[name]) else offered[name]
        if isinstance(field, serializers.ListSerializer):
            return self._list(field, where)
        if isinstance(field, serializers.BaseSerializer):
            return self._object(field, where)
        try:
            return self._value(field, where)
        except NotCompilable as error:
            raise NotCompilable(f"{where}: {error}") from None

    # -- values -----------------------------------------------------------------------------------------------------

    def _value(self, field: Any, where: str) -> Any:
        attrs = list(field.source_attrs)
        if not attrs:
            raise NotCompilable("is computed: offer an expression for it in the serializer's `compiled`")
        if isinstance(field, serializers.SlugRelatedField):
            if type(field).to_representation is not serializers.SlugRelatedField.to_representation:
                raise NotCompilable(f"{type(field).__name__} overrides to_representation")
            path, model, _can_miss = self._walk(attrs)
            column = model._meta.get_field(str(field.slug_field))
            return written(serializers.CharField(), column, F(f"{path}__{field.slug_field}"))
        annotation = self._annotation(attrs)
        if annotation is not None:
            return written(field, annotation, F(attrs[0]))
        _path, model, can_miss = self._walk(attrs[:-1])
        if can_miss:
            _require_null_for_missing(field)
        column = _column(model, attrs[-1])
        return written(field, column, F(self.path + "__".join(attrs)))

    def _annotation(self, attrs: list[str]) -> Any:
        if self.path or len(attrs) != 1 or attrs[0] not in self.rows.query.annotations:
            return None
        return self.rows.query.annotations[attrs[0]].output_field

    def _walk(self, attrs: list[str]) -> tuple[str, Any, bool]:
        """Return the path to the end of these foreign keys, the model there, and whether one of them may be null."""
        model, can_miss = self.model, False
        for attr in attrs:
            column = _column(model, attr)
            if not isinstance(column, models.ForeignKey) or attr != column.name:
                raise NotCompilable(f"{attr} is no foreign key of {model.__name__}")
            model, can_miss = column.related_model, can_miss or column.null
        return self.path + "__".join(attrs), model, can_miss

    # -- rows in rows -----------------------------------------------------------------------------------------------

    def _object(self, field: Any, where: str) -> Any:
        if field.source == "*":
            return self.object_of(field, where)
        path, model, _can_miss = self._walk(list(field.source_attrs))
        _before, _model, can_miss = self._walk(list(field.source_attrs)[:-1])
        if can_miss:
            _require_null_for_missing(field)
        inner = _Level(self.rows, model, f"{path}__", self.lists)
        return inner.object_of(field, where, present=F(f"{path}__pk"))

    def _list(self, field: Any, where: str) -> Any:
        if type(field).to_representation is not serializers.ListSerializer.to_representation:
            raise NotCompilable(f"{where}: {type(field).__name__} overrides to_representation")
        if len(field.source_attrs) != 1:
            raise NotCompilable(f"{where}: a list over a path")
        attr = self.path + field.source_attrs[0]
        relation, chosen = self.lists.get(attr, (attr, None))
        name = relation.removeprefix(self.path)
        rows, owner, key = _related(self.model, name, chosen, where)
        if not rows.ordered:
            raise NotCompilable(f"{where}: the rows have no order; say it in a Prefetch of the query set")
        if rows.query.is_sliced:
            raise NotCompilable(f"{where}: rows that are cut off")
        rows = rows.filter(**{owner: OuterRef(self.path + key)})
        inner = _Level(rows, rows.model, "", {**_below(self.lists, f"{attr}__"), **_lists_of(rows)})
        member = inner.object_of(field.child, where)
        return ListJson(rows.annotate(_json=member).values("_json"))


def _require_plain(serializer: Any, where: str) -> None:
    if type(serializer).to_representation is not serializers.Serializer.to_representation:
        raise NotCompilable(f"{where}: {type(serializer).__name__} overrides to_representation")


def _require_null_for_missing(field: Any) -> None:
    """DRF writes the default where a row on the way is missing, else null if allowed, else leaves the member out."""
    if field.default is None or (field.default is empty and field.allow_null):
        return
    raise NotCompilable("a row on the way may be missing: say allow_null=True or default=None")


def _column(model: Any, attr: str) -> Any:
    if attr == "pk":
        return model._meta.pk
    try:
        column = model._meta.get_field(attr)
    except FieldDoesNotExist:
        raise NotCompilable(f"{model.__name__}.{attr} is neither a column nor an annotation") from None
    if not getattr(column, "concrete", False):
        raise NotCompilable(f"{model.__name__}.{attr} is no column")
    if isinstance(column, models.ForeignKey) and attr == column.attname:
        return column.target_field
    return column


def _related(model: Any, name: str, chosen: Any, where: str) -> tuple[QuerySet[Any], str, str]:
    """Return the rows of a relation to many, the path from them to their owner, and the owner's field for it."""
    try:
        relation = next(one for one in model._meta.get_fields() if _accessor(one) == name)
    except StopIteration:
        raise NotCompilable(f"{where}: {model.__name__}.{name} is no relation to many") from None
    rows = relation.related_model._default_manager.all() if chosen is None else chosen
    if relation.one_to_many:
        return rows, relation.field.name, relation.field.target_field.attname
    return rows, relation.field.related_query_name() if relation.concrete else relation.field.name, "pk"


def _accessor(relation: Any) -> str | None:
    if relation.one_to_many or (relation.many_to_many and relation.auto_created):
        return str(relation.get_accessor_name())
    return relation.name if relation.many_to_many else None


def _lists_of(rows: QuerySet[Any]) -> _Lists:
    found: dict[str, tuple[str, QuerySet[Any] | None]] = {}
    for lookup in rows._prefetch_related_lookups:  # type: ignore[attr-defined]
        if isinstance(lookup, Prefetch):
            found[lookup.prefetch_to] = (lookup.prefetch_through, lookup.queryset)
        else:
            found[lookup] = (lookup, None)
    return found


def _below(lists: _Lists, start: str) -> _Lists:
    return {
        path.removeprefix(start): (through.removeprefix(start), rows)
        for path, (through, rows) in lists.items()
        if path.startswith(start)
    }
