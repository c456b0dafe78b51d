"""Reading the library's settings. Each call is one query: who needs several asks for `all_values` once."""

from __future__ import annotations

from typing import Any

from django.db.models import Subquery
from django.db.models.fields.json import KeyTransform

from tenant_apps.preferences.models import LibraryPreferences
from tenant_apps.preferences.registry import REGISTRY
from tenant_apps.preferences.rules import Value


def value(key: str) -> Value:
    """The value of one setting in the current library. Raises KeyError for a key that no app has defined."""
    setting = REGISTRY.settings[key]
    row: dict[str, Value] = LibraryPreferences.objects.values_list("values", flat=True).first() or {}
    return row.get(setting.key, setting.default)


def registration_mode() -> str:
    """How the current library takes registrations: "closed", "approval" or "open"."""
    return str(value("registration"))


def all_values() -> dict[str, Value]:
    """Every setting's value, by key."""
    return values_of(LibraryPreferences.objects.first() or LibraryPreferences())


def public_values() -> dict[str, Value]:
    """The values that guests may see, by key."""
    return {key: found for key, found in all_values().items() if REGISTRY.settings[key].public}


def current() -> LibraryPreferences:
    """The row of settings, for its version; one that is not stored where nothing was ever set."""
    return LibraryPreferences.objects.first() or LibraryPreferences()


def values_of(row: LibraryPreferences) -> dict[str, Value]:
    """Every setting's value in this row. What is stored of a setting that no longer exists is left out."""
    return {key: row.values.get(key, setting.default) for key, setting in REGISTRY.settings.items()}


def stored(key: str) -> Subquery:
    """A subquery with the stored JSON value of one setting, for a query set of another app.

    See `or_default`.
    """
    return Subquery(
        LibraryPreferences.objects.annotate(found=KeyTransform(key, "values")).values("found")[:1]
    )


def or_default(key: str, found: Any) -> Value:
    """The value that `stored` found, or the setting's default for None."""
    default = REGISTRY.settings[key].default
    return default if found is None else found
