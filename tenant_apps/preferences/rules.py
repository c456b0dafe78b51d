"""What a setting is.

Its kind decides which values it may have. The registry of all settings is in `registry`.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from saas.core.api.fields import forbidden_character
from tenant_apps.preferences.codes import COUNTRIES, CURRENCIES
from tenant_apps.preferences.origins import MAX_ORIGINS, is_origin

Value: TypeAlias = str | bool | int | list[str]


class Kind(StrEnum):
    """The types of settings."""

    TEXT = "text"
    BOOL = "bool"
    INTEGER = "integer"
    CHOICE = "choice"
    LANGUAGE = "language"
    TIME_ZONE = "time_zone"
    CURRENCY = "currency"
    COUNTRY = "country"
    EMAIL = "email"
    ORIGINS = "origins"


class SettingValueError(ValueError):
    """A value that a setting may not have: `code` and `detail` as they stand in a problem document."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a library.

    `key` is its name in the API, snake_case, and never changes. `default` holds where nothing is stored.
    `public` ones may be shown to guests. `personal` values are kept out of the audit log's permanent part.
    `choices` belong to CHOICE; `minimum` and `maximum`, both inclusive, to INTEGER; `max_length` and
    `required` to texts. `validate` may raise SettingValueError for a value of the right type.
    """

    key: str
    kind: Kind
    default: Value
    help: str | Promise
    public: bool = False
    personal: bool = False
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 2**31 - 1
    max_length: int = 200
    required: bool = False
    validate: Callable[[Value], None] | None = None

    def clean(self, value: object) -> Value:
        """Return the value as it is stored. Raises SettingValueError."""
        cleaned = _CLEANERS[self.kind](self, value)
        if self.validate is not None:
            self.validate(cleaned)
        return cleaned


@cache
def time_zones() -> frozenset[str]:
    """Names of the IANA time zones, without the two that name no place."""
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _bool(_setting: Setting, value: object) -> Value:
    if not isinstance(value, bool):
        raise SettingValueError("invalid", _("Send true or false."))
    return value


def _integer(setting: Setting, value: object) -> Value:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SettingValueError("invalid", _("Send a whole number."))
    if not setting.minimum <= value <= setting.maximum:
        limits = {"least": setting.minimum, "most": setting.maximum}
        raise SettingValueError("out_of_range", _("Send a number from %(least)d to %(most)d.") % limits)
    return value


def _text(setting: Setting, value: object) -> str:
    if not isinstance(value, str):
        raise SettingValueError("invalid", _("Send a string."))
    text = value.strip()
    character = forbidden_character(text, multiline=False)
    if character:
        detail = _("The character %(character)s is not allowed here.") % {"character": character}
        raise SettingValueError("control_character", detail)
    if setting.required and not text:
        raise SettingValueError("blank", _("This setting cannot be empty."))
    if len(text) > setting.max_length:
        raise SettingValueError(
            "max_length", _("At most %(limit)d characters.") % {"limit": setting.max_length}
        )
    return text


def _email(setting: Setting, value: object) -> Value:
    text = _text(setting, value)
    try:
        if text:
            validate_email(text)
    except ValidationError as error:
        raise SettingValueError("invalid_email", _("This is not an e-mail address.")) from error
    return text


def _choice(setting: Setting, value: object) -> Value:
    if not isinstance(value, str) or value not in setting.choices:
        choices = {"choices": ", ".join(setting.choices)}
        raise SettingValueError("invalid_choice", _("Choose one of: %(choices)s.") % choices)
    return value


def _language(_setting: Setting, value: object) -> Value:
    known = [code for code, _name in settings.LANGUAGES]
    if not isinstance(value, str) or value not in known:
        detail = _("Choose one of: %(choices)s.") % {"choices": ", ".join(known)}
        raise SettingValueError("unknown_language", detail)
    return value


def _time_zone(_setting: Setting, value: object) -> Value:
    if not isinstance(value, str) or value not in time_zones():
        raise SettingValueError(
            "unknown_time_zone", _("This is not the name of a time zone, such as Europe/Rome.")
        )
    return value


def _currency(_setting: Setting, value: object) -> Value:
    if not isinstance(value, str) or value not in CURRENCIES:
        raise SettingValueError("unknown_currency", _("This is not a currency of ISO 4217, such as EUR."))
    return value


def _country(_setting: Setting, value: object) -> Value:
    if not isinstance(value, str) or value not in COUNTRIES | {""}:
        raise SettingValueError("unknown_country", _("This is not a country code of ISO 3166-1, such as IT."))
    return value


def _origins(setting: Setting, value: object) -> Value:
    """Origins as browsers send them (RFC 6454, 6.2), each once, in the order given.

    Nothing but exact ones: a wildcard, `null` or a suffix would let in pages that the library does not know.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingValueError("invalid", _("Send a list of strings."))
    if len(value) > MAX_ORIGINS:
        raise SettingValueError("max_length", _("At most %(limit)d origins.") % {"limit": MAX_ORIGINS})
    wrong = next((item for item in value if not is_origin(item)), None)
    if wrong is not None:
        example = {"origin": wrong[:100], "example": "https://www.example.org"}
        detail = _(
            "%(origin)s is not an origin such as %(example)s: https, a host in lower case, perhaps a port."
        )
        raise SettingValueError("invalid_origin", detail % example)
    return list(dict.fromkeys(value))


_CLEANERS: Mapping[Kind, Callable[[Setting, object], Value]] = {
    Kind.TEXT: _text,
    Kind.BOOL: _bool,
    Kind.INTEGER: _integer,
    Kind.CHOICE: _choice,
    Kind.LANGUAGE: _language,
    Kind.TIME_ZONE: _time_zone,
    Kind.CURRENCY: _currency,
    Kind.COUNTRY: _country,
    Kind.EMAIL: _email,
    Kind.ORIGINS: _origins,
}
