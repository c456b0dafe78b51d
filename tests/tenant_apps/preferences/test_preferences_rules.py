"""Kinds of settings: which values each may have, and which of them it says no to."""

from __future__ import annotations

import contextlib
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.preferences.codes import (
    COUNTRIES,
    CURRENCIES,
    CURRENCY_OF_COUNTRY,
    DEFAULT_CURRENCY,
    currency_of,
)
from tenant_apps.preferences.rules import Kind, Setting, SettingValueError, Value, time_zones

anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


def setting(kind: Kind, **changes: Any) -> Setting:
    values: dict[str, Any] = {"key": "some_key", "kind": kind, "default": "", "help": "Help."}
    return Setting(**{**values, **changes})


def code_of(kind: Kind, value: object, **changes: Any) -> str:
    with pytest.raises(SettingValueError) as refused:
        setting(kind, **changes).clean(value)
    assert refused.value.detail
    return refused.value.code


@pytest.mark.parametrize(
    ("kind", "value", "changes"),
    [
        (Kind.TEXT, "Biblioteca d'Ateneo, Øst", {}),
        (Kind.TEXT, "", {}),
        (Kind.TEXT, "x" * 200, {}),
        (Kind.BOOL, False, {}),
        (Kind.BOOL, True, {}),
        (Kind.INTEGER, 0, {}),
        (Kind.INTEGER, 30, {"minimum": 1, "maximum": 30}),
        (Kind.INTEGER, 1, {"minimum": 1, "maximum": 30}),
        (Kind.CHOICE, "b", {"choices": ("a", "b")}),
        (Kind.LANGUAGE, "it", {}),
        (Kind.TIME_ZONE, "America/Argentina/Buenos_Aires", {}),
        (Kind.TIME_ZONE, "UTC", {}),
        (Kind.CURRENCY, "EUR", {}),
        (Kind.COUNTRY, "IT", {}),
        (Kind.COUNTRY, "", {}),
        (Kind.EMAIL, "desk@riverside.example", {}),
        (Kind.EMAIL, "", {}),
    ],
)
def test_what_a_kind_accepts(kind: Kind, value: Value, changes: dict[str, Any]) -> None:
    cleaned = setting(kind, **changes).clean(value)
    assert cleaned == value
    assert type(cleaned) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "code", "changes"),
    [
        (Kind.TEXT, 7, "invalid", {}),
        (Kind.TEXT, None, "invalid", {}),
        (Kind.TEXT, "a\nb", "control_character", {}),
        (Kind.TEXT, "a\x00b", "control_character", {}),
        (Kind.TEXT, "\ud800", "control_character", {}),
        (Kind.TEXT, "x" * 201, "max_length", {}),
        (Kind.TEXT, "abc", "max_length", {"max_length": 2}),
        (Kind.TEXT, "   ", "blank", {"required": True}),
        (Kind.BOOL, 1, "invalid", {}),
        (Kind.BOOL, "true", "invalid", {}),
        (Kind.INTEGER, True, "invalid", {}),
        (Kind.INTEGER, "5", "invalid", {}),
        (Kind.INTEGER, 5.0, "invalid", {}),
        (Kind.INTEGER, 0, "out_of_range", {"minimum": 1, "maximum": 30}),
        (Kind.INTEGER, 31, "out_of_range", {"minimum": 1, "maximum": 30}),
        (Kind.INTEGER, -1, "out_of_range", {}),
        (Kind.CHOICE, "c", "invalid_choice", {"choices": ("a", "b")}),
        (Kind.CHOICE, ["a"], "invalid_choice", {"choices": ("a", "b")}),
        (Kind.LANGUAGE, "tlh", "unknown_language", {}),
        (Kind.LANGUAGE, "EN", "unknown_language", {}),
        (Kind.TIME_ZONE, "Mars/Olympus", "unknown_time_zone", {}),
        (Kind.TIME_ZONE, "europe/rome", "unknown_time_zone", {}),
        (Kind.TIME_ZONE, "../../etc/passwd", "unknown_time_zone", {}),
        (Kind.TIME_ZONE, "localtime", "unknown_time_zone", {}),
        (Kind.CURRENCY, "eur", "unknown_currency", {}),
        (Kind.CURRENCY, "XXX", "unknown_currency", {}),
        (Kind.CURRENCY, "DEM", "unknown_currency", {}),
        (Kind.COUNTRY, "it", "unknown_country", {}),
        (Kind.COUNTRY, "XX", "unknown_country", {}),
        (Kind.EMAIL, "desk", "invalid_email", {}),
        (Kind.EMAIL, "a@b.example\r\nBcc: c@d.example", "control_character", {}),
    ],
)
def test_what_a_kind_refuses(kind: Kind, value: object, code: str, changes: dict[str, Any]) -> None:
    assert code_of(kind, value, **changes) == code


@given(st.sampled_from(list(Kind)), anything)
def test_a_kind_answers_to_anything_with_a_value_of_its_type_or_a_refusal(kind: Kind, value: object) -> None:
    expected = {Kind.BOOL: bool, Kind.INTEGER: int, Kind.ORIGINS: list}.get(kind, str)
    with contextlib.suppress(SettingValueError):
        assert type(setting(kind, choices=("a",)).clean(value)) is expected


@given(st.sampled_from([Kind.TEXT, Kind.EMAIL]), st.text(max_size=100))
def test_cleaning_twice_changes_nothing(kind: Kind, text: str) -> None:
    try:
        once = setting(kind).clean(text)
    except SettingValueError:
        return
    assert setting(kind).clean(once) == once


def test_a_setting_may_have_a_rule_of_its_own() -> None:
    def even(value: Value) -> None:
        if int(value) % 2:
            raise SettingValueError("odd", "Send an even number.")

    assert setting(Kind.INTEGER, validate=even).clean(4) == 4
    assert code_of(Kind.INTEGER, 5, validate=even) == "odd"
    assert code_of(Kind.INTEGER, "5", validate=even) == "invalid"


def test_the_lists_of_codes_hang_together() -> None:
    assert len(COUNTRIES) == 249  # ISO 3166-1 in 2026
    assert 150 <= len(CURRENCIES) <= 165
    assert {"EUR", "USD", "GBP", "CHF", "JPY", "XOF"} <= CURRENCIES
    assert not {"XXX", "XAU", "XTS", "DEM", "HRK", "BGN"} & CURRENCIES
    assert set(CURRENCY_OF_COUNTRY) <= COUNTRIES
    assert set(CURRENCY_OF_COUNTRY.values()) <= CURRENCIES
    assert (currency_of("US"), currency_of("IT"), currency_of("")) == ("USD", "EUR", DEFAULT_CURRENCY)


def test_every_time_zone_can_be_loaded() -> None:
    assert {"UTC", "Europe/Rome", "Asia/Kathmandu"} <= time_zones()
    for name in sorted(time_zones())[::40]:
        assert zoneinfo.ZoneInfo(name).key == name
