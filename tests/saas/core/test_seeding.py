"""A new library is filled in its own language, app by app, in the order of the settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from saas.core import clock
from saas.core.seeding import LibrarySeed, seed_library

seen: list[tuple[str, str]] = []


def first(seed: LibrarySeed) -> None:
    """Records the language it runs in and a word in it."""
    seen.append(("first", f"{translation.get_language()} {gettext('Adult')}"))


def second(seed: LibrarySeed) -> None:
    """Records that it came."""
    seen.append(("second", str(translation.get_language())))


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
