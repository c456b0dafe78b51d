"""How the value of each serializer field is written in SQL, so that the JSON says what the field would have said.

A field is known by its `to_representation`: a subclass that overrides it is another field, and refused until it is
written here. Each writer takes the serializer's field, the model's and the expression of the column, and returns the
expression whose JSON form is the field's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast
from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField

from saas.core.api import fields as ours
from saas.core.reads.errors import NotCompilable
from saas.core.reads.expressions import FixedText, TextOf, UtcText

Writer = Callable[[Any, Any, Any], Any]
_WRITERS: dict[type[Any], Writer] = {}
_Kinds = tuple[type[Any], ...]

_WHOLE: _Kinds = (models.IntegerField, models.ForeignKey)
_TEXT: _Kinds = (models.CharField, models.TextField)


def written(field: Any, column: Any, expression: Any) -> Any:
    """Return the expression for `field` over a column of the model field `column`. Raises NotCompilable."""
    for kind in type(field).__mro__:
        if kind in _WRITERS:
            same = type(field).to_representation is kind.to_representation
            if same and type(field).get_attribute is kind.get_attribute:
                return _WRITERS[kind](field, column, expression)
            break
    raise NotCompilable(f"{type(field).__name__} has no writer in saas.core.reads.writers")


def _writes(*kinds: type[Any]) -> Callable[[Writer], Writer]:
    def note(writer: Writer) -> Writer:
        _WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return note


def _require(field: Any, column: Any, kinds: _Kinds) -> None:
    if not isinstance(column, kinds) or isinstance(column, ArrayField):
        raise NotCompilable(f"{type(field).__name__} over {type(column).__name__}")


@_writes(serializers.CharField)
def _text(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (*_TEXT, *_WHOLE, models.UUIDField))
    return expression if isinstance(column, _TEXT) else TextOf(expression)


@_writes(serializers.ChoiceField)
def _choice(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (*_TEXT, models.IntegerField))
    return expression


@_writes(ours.IdField)
def _id(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (*_WHOLE, models.UUIDField))
    return TextOf(expression)


@_writes(ours.IdRelatedField)
def _related_id(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.ForeignKey,))
    return TextOf(expression)


@_writes(serializers.UUIDField)
def _uuid(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.UUIDField,))
    if field.uuid_format != "hex_verbose":
        raise NotCompilable("UUIDField with another format than hex_verbose")
    return expression


@_writes(serializers.IntegerField)
def _whole(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.IntegerField,))
    return expression


@_writes(serializers.BooleanField)
def _boolean(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.BooleanField,))
    return expression


@_writes(ours.UtcDateTimeField)
def _moment(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.DateTimeField,))
    return UtcText(expression)


@_writes(serializers.DateField)
def _date(field: Any, column: Any, expression: Any) -> Any:
    if isinstance(column, models.DateTimeField):
        raise NotCompilable("DateField over DateTimeField")
    _require(field, column, (models.DateField,))
    if getattr(field, "format", None) not in (None, "iso-8601"):
        raise NotCompilable("DateField with a format of its own")
    return expression  # PostgreSQL writes dates in JSON by ISO 8601, whatever DateStyle says


@_writes(serializers.DecimalField)
def _decimal(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.DecimalField,))
    if field.localize or field.normalize_output or not getattr(field, "coerce_to_string", True):
        raise NotCompilable("DecimalField that localizes, normalizes or is no string")
    if field.decimal_places is None or field.decimal_places < column.decimal_places:
        raise NotCompilable("DecimalField with fewer places than its column would round by Python's context")
    return FixedText(expression, field.decimal_places)


@_writes(serializers.ListField)
def _list(field: Any, column: Any, expression: Any) -> Any:
    if not isinstance(column, ArrayField) or isinstance(column.base_field, ArrayField):
        raise NotCompilable(f"{type(field).__name__} over {type(column).__name__}")
    member = written(field.child, column.base_field, expression)
    if member is expression:
        return expression
    if isinstance(field.child, ours.IdField | serializers.CharField):
        return Cast(expression, ArrayField(models.TextField()))
    raise NotCompilable(f"a list of {type(field.child).__name__}")


@_writes(serializers.JSONField)
def _json(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.JSONField,))
    if field.binary:
        raise NotCompilable("JSONField that writes binary")
    return expression


@_writes(serializers.DictField)
def _map(field: Any, column: Any, expression: Any) -> Any:
    _require(field, column, (models.JSONField,))
    if type(field.child) is not _UnvalidatedField:
        raise NotCompilable("DictField whose members are represented")
    return expression
