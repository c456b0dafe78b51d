"""The registry: each key once, with a default that it may have."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import translation

from tenant_apps.preferences.registry import REGISTRY, Registry
from tenant_apps.preferences.rules import Kind, Setting


def test_the_built_in_settings_are_there_with_valid_defaults() -> None:
    built_in = {
        "name",
        "language",
        "time_zone",
        "currency",
        "country",
        "guests_may_search",
        "contact_email",
    }
    assert built_in <= set(REGISTRY.settings)
    for setting in REGISTRY.settings.values():
        with translation.override("en"):
            assert str(setting.help).endswith(".")
        if setting.default != "":
            assert setting.clean(setting.default) == setting.default


def test_guests_may_search_unless_the_library_says_no() -> None:
    assert REGISTRY.settings["guests_may_search"].default is True
    assert not REGISTRY.settings["guests_may_search"].public


def test_an_app_adds_a_setting_once() -> None:
    registry = Registry()
    setting = Setting("hold_days", Kind.INTEGER, 7, "Days that a hold waits on the shelf.", maximum=60)
    assert registry.define(setting) is setting
    assert dict(registry.settings) == {"hold_days": setting}
    with pytest.raises(ImproperlyConfigured, match="twice"):
        registry.define(Setting("hold_days", Kind.TEXT, "", "Another."))
    assert registry.settings["hold_days"] is setting


@pytest.mark.parametrize("key", ["", "a", "HoldDays", "hold-days", "hold days", "1st", "x" * 61, "a.b"])
def test_a_key_is_snake_case(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="key"):
        Registry().define(Setting(key, Kind.BOOL, True, "Help."))


@pytest.mark.parametrize(
    ("kind", "default"), [(Kind.BOOL, "yes"), (Kind.INTEGER, -1), (Kind.CURRENCY, "EURO")]
)
def test_a_default_is_a_value_that_it_may_have(kind: Kind, default: str | int) -> None:
    registry = Registry()
    with pytest.raises(ImproperlyConfigured, match="default"):
        registry.define(Setting("some_key", kind, default, "Help."))
    assert not registry.settings


def test_nobody_changes_the_registry_from_outside() -> None:
    with pytest.raises(TypeError):
        REGISTRY.settings["name"] = REGISTRY.settings["country"]  # type: ignore[index]
