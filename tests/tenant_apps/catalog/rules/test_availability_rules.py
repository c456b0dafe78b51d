"""The one status of a copy, and availability in words."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from tenant_apps.catalog.rules.availability import STATUS_WORDS, CopyStatus, status_of
from tenant_apps.catalog.rules.languages import LANGUAGES, language_name, language_tag
from tenant_apps.catalog.rules.wording import (
    MATERIALS,
    ROLES,
    availability_words,
    due_day,
    material_name,
    role_name,
)
from tenant_apps.catalog.selectors import BranchAvailability

SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DUE = dt.datetime(2026, 12, 3, 22, 59, 59, tzinfo=dt.UTC)


def flags(**set_flags: Any) -> Any:
    plain = {"withdrawn_at": None, "lost_at": None, "damaged_at": None, "not_for_loan": False}
    return SimpleNamespace(**{**plain, **set_flags})


@pytest.mark.parametrize(
    ("copy", "on_loan", "status"),
    [
        (flags(), False, "available"),
        (flags(), True, "on_loan"),
        (flags(not_for_loan=True), False, "not_for_loan"),
        (flags(not_for_loan=True), True, "on_loan"),
        (flags(damaged_at=SINCE), False, "damaged"),
        (flags(damaged_at=SINCE), True, "on_loan"),
        (flags(damaged_at=SINCE, not_for_loan=True), False, "damaged"),
        (flags(lost_at=SINCE), True, "lost"),
        (flags(lost_at=SINCE, withdrawn_at=SINCE), True, "withdrawn"),
    ],
)
def test_what_keeps_a_copy_away_longest_is_its_status(copy: Any, on_loan: bool, status: str) -> None:
    assert status_of(copy, on_loan=on_loan) == status


def test_every_status_has_words() -> None:
    assert STATUS_WORDS.keys() == set(CopyStatus)


def place(**numbers: Any) -> BranchAvailability:
    plain = {"copies": 0, "available": 0, "on_loan": 0, "not_for_loan": 0, "first_due_at": None}
    return BranchAvailability("main", "Main", "Europe/Rome", **{**plain, **numbers})


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"copies": 1, "available": 1}, "1 of 1 copy on the shelf"),
        ({"copies": 3, "available": 2, "on_loan": 1}, "2 of 3 copies on the shelf"),
        ({"copies": 1, "on_loan": 1, "first_due_at": DUE}, "On loan, due December 3"),
        ({"copies": 2, "on_loan": 2, "first_due_at": DUE}, "All lent or away, first due back December 3"),
        ({"copies": 1, "not_for_loan": 1}, "For use in the library only"),
        ({"copies": 1}, "Not available at the moment"),
    ],
)
def test_availability_in_words(numbers: dict[str, Any], words: str) -> None:
    with translation.override("en"):
        assert availability_words(place(**numbers)) == words


def test_the_day_is_that_of_the_branch() -> None:
    late = dt.datetime(2026, 12, 3, 23, 30, tzinfo=dt.UTC)
    with translation.override("en"):
        assert due_day(late, "Europe/Rome") == "December 4"
        assert due_day(late, "America/New_York") == "December 3"
    with translation.override("it"):
        assert "dicembre" in due_day(late, "Europe/Rome").lower()


@pytest.mark.parametrize(
    ("code", "tag", "name"),
    [
        ("eng", "en", "English"),
        ("ger", "de", "German"),
        ("chu", "chu", "chu"),
        ("und", "", "unknown"),
        ("mul", "", "several languages"),
        ("", "", ""),
        ('x"y', "", 'x"y'),
    ],
)
def test_languages_by_their_marc_code(code: str, tag: str, name: str) -> None:
    with translation.override("en"):
        assert (language_tag(code), language_name(code)) == (tag, name)


def test_every_kind_and_role_of_the_records_has_a_name() -> None:
    from tenant_apps.catalog.marc import MaterialType, Role

    assert {str(kind) for kind in MaterialType} == MATERIALS.keys()
    assert {str(role) for role in Role} == ROLES.keys()
    assert material_name("spaceship") == "spaceship"
    assert role_name("author") == "author"
    assert all(len(code) == 3 for code in LANGUAGES)
