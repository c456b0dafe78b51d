"""Defining settings and changing their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction

from saas.core.db.inserts import insert
from saas.core.errors import FieldProblem, ValidationFailed
from saas.core.principals import SYSTEM, Actor
from saas.core.seeding import LibrarySeed
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.preferences.codes import COUNTRIES, currency_of
from tenant_apps.preferences.models import LibraryPreferences
from tenant_apps.preferences.registry import REGISTRY
from tenant_apps.preferences.rules import Kind, Setting, SettingValueError, Value, time_zones
from tenant_apps.preferences.selectors import values_of

__all__ = ["PROFILE_CHANGED", "PUBLIC_PROFILE", "Kind", "Setting", "change", "define", "seed_library"]

PROFILE_CHANGED = "preferences.profile_changed"
ORIGINS = "allowed_origins"
# What the public site keeps of a library too, because it is needed before the library's schema is read.
PUBLIC_PROFILE = frozenset({"name", "language", "time_zone", "country", ORIGINS})


def define(setting: Setting) -> Setting:
    """Add a setting to every library; called once, from an app's `ready`. Raises ImproperlyConfigured."""
    return REGISTRY.define(setting)


def change(
    *,
    values: Mapping[str, object],
    by: Actor,
    now: datetime,
    expect: Callable[[LibraryPreferences], None] | None = None,
) -> LibraryPreferences:
    """Change some settings, all or none; what changes nothing leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version. A value equal to
    the default is not stored, so that a later default reaches whoever never chose. Raises ValidationFailed
    naming every wrong value, KeyError for an unknown key.
    """
    with transaction.atomic():
        row, changed = _apply(values, by=by, now=now, expect=expect)
        # Origins also where they stay as they are: a library that has moved here brings the setting and not its copy.
        if changed & PUBLIC_PROFILE or ORIGINS in values:
            # The public site's row is in another schema, so it follows by the outbox and not in this transaction.
            publish(kind=PROFILE_CHANGED, payload={}, now=now)
    return row


def seed_library(seed: LibrarySeed) -> None:
    """Store what sign-up knows: name, language, zone, country and its currency."""
    country = seed.country.upper()
    known_country = country if country in COUNTRIES else ""
    values: dict[str, Value] = {
        "name": seed.library.name,
        "language": seed.language,
        "time_zone": seed.time_zone if seed.time_zone in time_zones() else "UTC",
        "country": known_country,
        "currency": currency_of(known_country),
    }
    _write(LibraryPreferences(), _clean(values), by=SYSTEM, now=seed.now)


def _apply(
    values: Mapping[str, object],
    *,
    by: Actor,
    now: datetime,
    expect: Callable[[LibraryPreferences], None] | None = None,
) -> tuple[LibraryPreferences, frozenset[str]]:
    """Write what differs, audited; the row and the keys that changed. The caller holds a transaction."""
    cleaned = _clean(values)
    LibraryPreferences.objects.bulk_create([LibraryPreferences()], ignore_conflicts=True)
    row = LibraryPreferences.objects.select_for_update(no_key=True).get()
    if expect is not None:
        expect(row)
    return row, _write(row, cleaned, by=by, now=now)


def _write(
    row: LibraryPreferences, cleaned: Mapping[str, Value], *, by: Actor, now: datetime
) -> frozenset[str]:
    """Store what differs in a row that is locked or new, audited; the keys that changed."""
    before = values_of(row)
    entry = {key: [before[key], value] for key, value in cleaned.items() if before[key] != value}
    if not entry:
        return frozenset()
    _store(row, {key: cleaned[key] for key in entry})
    audit.record(
        action="settings.changed",
        target=row,
        by=by,
        changes={key: None if REGISTRY.settings[key].personal else pair for key, pair in entry.items()},
        personal={key: pair for key, pair in entry.items() if REGISTRY.settings[key].personal},
        now=now,
    )
    return frozenset(entry)


def _clean(values: Mapping[str, object]) -> dict[str, Value]:
    cleaned: dict[str, Value] = {}
    problems: list[FieldProblem] = []
    for key, value in values.items():
        try:
            cleaned[key] = REGISTRY.settings[key].clean(value)
        except SettingValueError as error:
            problems.append(FieldProblem(key, error.code, error.detail))
    if problems:
        raise ValidationFailed(f"{problems[0].field}: {problems[0].detail}", errors=problems)
    return cleaned


def _store(row: LibraryPreferences, changed: Mapping[str, Value]) -> None:
    kept = {**row.values, **changed}
    known = REGISTRY.settings
    row.values = {
        key: value for key, value in kept.items() if key not in known or value != known[key].default
    }
    if row._state.adding:
        insert(row)
        return
    row.bump()
    row.save(update_fields=["values", "version"])
