"""The library's settings in JSON: one typed property for each setting of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.fields import Field

from saas.core.api.serializers import StrictSerializer
from tenant_apps.preferences.codes import CURRENCIES
from tenant_apps.preferences.origins import MAX_ORIGINS
from tenant_apps.preferences.registry import REGISTRY
from tenant_apps.preferences.rules import Kind, Setting, SettingValueError

_AnyField = Field[Any, Any, Any, Any]
_EXAMPLE = {
    "name": "Riverside Library",
    "language": "en",
    "time_zone": "Europe/Rome",
    "currency": "EUR",
    "country": "IT",
    "guests_may_search": True,
    "allowed_origins": ["https://www.riverside.example"],
    "contact_email": "desk@riverside.example",
}


class _Checked:
    """A validator that asks the setting itself."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def __call__(self, value: Any) -> None:
        try:
            self.setting.clean(value)
        except SettingValueError as error:
            raise serializers.ValidationError(error.detail, code=error.code) from error


def _text(setting: Setting, common: Mapping[str, Any]) -> _AnyField:
    return serializers.CharField(max_length=setting.max_length, allow_blank=not setting.required, **common)


def _choice_of(choices: Callable[[Setting], Any]) -> Callable[[Setting, Mapping[str, Any]], _AnyField]:
    def make(setting: Setting, common: Mapping[str, Any]) -> _AnyField:
        return serializers.ChoiceField(choices=choices(setting), **common)

    return make


def _integer(setting: Setting, common: Mapping[str, Any]) -> _AnyField:
    return serializers.IntegerField(min_value=setting.minimum, max_value=setting.maximum, **common)


def _origins(_setting: Setting, common: Mapping[str, Any]) -> _AnyField:
    one = serializers.CharField(max_length=300)
    return serializers.ListField(child=one, max_length=MAX_ORIGINS, **common)


_FIELDS: Mapping[Kind, Callable[[Setting, Mapping[str, Any]], _AnyField]] = {
    Kind.TEXT: _text,
    Kind.EMAIL: _text,
    Kind.ORIGINS: _origins,
    Kind.BOOL: lambda _setting, common: serializers.BooleanField(**common),
    Kind.INTEGER: _integer,
    Kind.CHOICE: _choice_of(lambda setting: setting.choices),
    Kind.LANGUAGE: _choice_of(lambda _setting: [code for code, _name in settings.LANGUAGES]),
    Kind.CURRENCY: _choice_of(lambda _setting: sorted(CURRENCIES)),
    # Too many to list in the document; the setting itself checks them.
    Kind.TIME_ZONE: _text,
    Kind.COUNTRY: _text,
}


@extend_schema_serializer(examples=[OpenApiExample("Settings", _EXAMPLE)])
class SettingsSerializer(StrictSerializer):
    """Every setting; to change some, send those alone."""

    def get_fields(self) -> dict[str, _AnyField]:
        """Return a field for each setting that the apps have defined."""
        return {key: _field_for(setting) for key, setting in REGISTRY.settings.items()}


def _field_for(setting: Setting) -> _AnyField:
    common = {"help_text": setting.help, "validators": [_Checked(setting)], "required": False}
    return _FIELDS[setting.kind](setting, common)
