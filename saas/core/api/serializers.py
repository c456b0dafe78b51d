"""Serializers that refuse what they do not know and coerce nothing.

DRF turns "1" into True and 5 into "5" and drops unknown members; each of these hides a client's mistake
(ASVS 15.3.3 mass assignment, 15.3.5 strict types), so here each is an error that names the field.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.fields import Field
from rest_framework.utils import html

from saas.core.api.fields import (
    LINE_LENGTH,
    TEXT_LENGTH,
    CodeRelatedField,
    IdField,
    IdRelatedField,
    LanguageField,
    LineField,
    Money,
    MoneyField,
    TextField,
    TimeZoneField,
    UtcDateTimeField,
    forbidden_character,
)

__all__ = [
    "LINE_LENGTH",
    "TEXT_LENGTH",
    "CodeRelatedField",
    "IdField",
    "IdRelatedField",
    "LanguageField",
    "LineField",
    "Money",
    "MoneyField",
    "NothingSerializer",
    "StrictModelSerializer",
    "StrictSerializer",
    "TextField",
    "TimeZoneField",
    "UtcDateTimeField",
    "nearest_name",
]
_Row = TypeVar("_Row", bound=models.Model)
_AnyField = Field[Any, Any, Any, Any]
_MAX_NAMED = 10


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, None where none is near."""
    found = difflib.get_close_matches(name[:64], sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None


def type_problem(field: _AnyField, raw: Any) -> tuple[str, str] | None:
    """Return (code, detail) where the JSON value `raw` has another type than `field` takes, else None.

    None and missing values are the field's own affair.
    """
    if raw is None:
        return None
    if isinstance(field, serializers.CharField):
        return _text_problem(field, raw)
    if isinstance(field, serializers.ChoiceField) and not isinstance(field, serializers.MultipleChoiceField):
        return None if raw in _choices_of_type(field, raw) else ("invalid_choice", _choices_text(field))
    for kinds, taken, message in _JSON_TYPES:
        # bool is an int to Python, not to JSON
        if isinstance(field, kinds) and type(raw) not in taken:
            return "invalid", str(message)
    return None


_JSON_TYPES: tuple[tuple[type[_AnyField], tuple[type, ...], Any], ...] = (
    (serializers.BooleanField, (bool,), gettext_lazy("Send true or false.")),
    (serializers.IntegerField, (int,), gettext_lazy("Send a whole number.")),
    (serializers.FloatField, (int, float), gettext_lazy("Send a number.")),
    (serializers.DecimalField, (str,), gettext_lazy("Send the number as a string.")),
)


def _choices_of_type(field: Any, raw: Any) -> Iterable[Any]:
    if raw == "" and field.allow_blank:
        return ("",)
    # 1 == True == 1.0 in Python, not in JSON.
    return [key for key in field.choices if type(key) is type(raw) or isinstance(key, str)]


def _choices_text(field: Any) -> str:
    return _("Choose one of: %(choices)s.") % {"choices": ", ".join(str(key) for key in field.choices)}


def _text_problem(field: Any, raw: Any) -> tuple[str, str] | None:
    if not isinstance(raw, str):
        return "invalid", _("Send a string.")
    character = forbidden_character(raw, multiline=True)
    if character:
        return "control_character", _("The character %(character)s is not allowed here.") % {
            "character": character
        }
    if field.max_length is None and len(raw) > TEXT_LENGTH:
        return "max_length", _("At most %(limit)d characters.") % {"limit": TEXT_LENGTH}
    return None


class _Strict(serializers.BaseSerializer[Any]):
    """Checks the names and JSON types of a body before DRF's fields see it."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        """Return the validated values. Raises ValidationError with every unknown name and wrong type."""
        if isinstance(data, Mapping):
            problems = self._unknown_names(data)
            if not html.is_html_input(data):  # a form can only send strings
                problems.update(self._wrong_types(data))
            if problems:
                raise serializers.ValidationError(problems)
        return super().to_internal_value(data)

    def _unknown_names(self, data: Mapping[str, Any]) -> dict[str, list[Any]]:
        writable = {name for name, field in self.fields.items() if not field.read_only}
        problems: dict[str, list[Any]] = {}
        for name in list(dict.fromkeys(data)):
            if name in writable or (html.is_html_input(data) and name == "csrfmiddlewaretoken"):
                continue
            if len(problems) == _MAX_NAMED:
                break
            problems[str(name)[:64]] = [self._unknown_name(str(name), writable)]
        return problems

    def _unknown_name(self, name: str, writable: Iterable[str]) -> Any:
        if name in self.fields:
            return serializers.ErrorDetail(_("This field cannot be set."), code="read_only")
        near = nearest_name(name, writable)
        shown = name[:64]
        if near is None:
            text = _('Unknown field "%(name)s".') % {"name": shown}
        else:
            text = _('Unknown field "%(name)s". Did you mean "%(near)s"?') % {"name": shown, "near": near}
        return serializers.ErrorDetail(text, code="unknown_field")

    def _wrong_types(self, data: Mapping[str, Any]) -> dict[str, Any]:
        problems: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.read_only or name not in data:
                continue
            found = _typed(field, data[name])
            if found:
                problems[name] = found
        return problems


def _typed(field: _AnyField, raw: Any) -> Any:
    """Type problems of a value and, for lists and maps of plain fields, of its members."""
    if isinstance(field, serializers.ListField) and isinstance(raw, list):
        members = {str(at): _typed(field.child, value) for at, value in enumerate(raw)}
        return {at: found for at, found in members.items() if found}
    if isinstance(field, serializers.DictField) and isinstance(raw, Mapping):
        members = {key: _typed(field.child, value) for key, value in raw.items()}
        return {key: found for key, found in members.items() if found}
    problem = type_problem(field, raw)
    return [serializers.ErrorDetail(problem[1], code=problem[0])] if problem else None


class StrictSerializer(_Strict, serializers.Serializer[Any]):
    """A Serializer that refuses unknown fields, read-only fields and wrong JSON types."""


class NothingSerializer(StrictSerializer):
    """No body, or an empty one: what is sent along is refused."""


class StrictModelSerializer(_Strict, serializers.ModelSerializer[_Row]):
    """A ModelSerializer with the same strictness; bigint keys are id strings, moments are UTC."""

    serializer_related_field = IdRelatedField
    serializer_field_mapping: "ClassVar[dict[type[models.Field[Any, Any]], type[_AnyField]]]" = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.BigAutoField: IdField,
        models.CharField: LineField,
        models.TextField: TextField,
        models.DateTimeField: UtcDateTimeField,
    }
