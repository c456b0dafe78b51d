"""A library is filled in two steps, app by app, in the order of the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django.utils.translation import gettext

from saas.core import clock
from saas.core.seeding import LibrarySeed, prepare_library, rename_prepared, seed_library
from tenant_apps.access.models import Role

seen: list[tuple[str, str]] = []


def first(seed: LibrarySeed) -> None:
    """Records the language it runs in and a word in it."""
    seen.append(("first", f"{translation.get_language()} {gettext('Adult')}"))


def second(seed: LibrarySeed) -> None:
    """Records that it came."""
    seen.append(("second", str(translation.get_language())))


def prepare(using: str) -> None:
    """Records the connection and the language."""
    seen.append((using, str(translation.get_language())))


def test_seeders_run_in_order_and_in_the_librarys_language(settings: Any, north: Any) -> None:
    settings.LIBRARY_SEEDERS = [f"{__name__}.first", f"{__name__}.second"]
    seed = LibrarySeed(north, "a@b.example", "A", "!", "it", "IT", "Europe/Rome", clock.now())
    seen.clear()
    with translation.override("en"):
        seed_library(seed)
        assert translation.get_language() == "en"
        seed_library(replace(seed, language="en"))
    assert [name for name, _ in seen] == ["first", "second", "first", "second"]
    assert [said for _, said in seen[::2]] == ["it Adulto", "en Adult"]


def test_preparers_run_in_the_language_of_the_settings_on_the_connection_given(settings: Any) -> None:
    settings.LIBRARY_PREPARERS = [f"{__name__}.prepare"]
    seen.clear()
    with translation.override("it"):
        prepare_library("owner")
        assert translation.get_language() == "it"
    assert seen == [("owner", "en")]


def test_prepared_rows_are_renamed_by_code_in_one_statement(in_north: Any) -> None:
    others = dict(Role.objects.exclude(code__in=["admin", "guest"]).values_list("code", "name"))
    with CaptureQueriesContext(connection) as queries:
        rename_prepared(Role, {"admin": "Capo", "guest": "Ospite", "nobody": "Nessuno"})
    assert len(queries) == 1
    assert dict(Role.objects.values_list("code", "name")) == {**others, "admin": "Capo", "guest": "Ospite"}
