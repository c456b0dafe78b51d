"""Expiry to the day, and numbers that stand in a list twice."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.patrons.rules import has_expired, repeated

TODAY = dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("expires_on", "expired"),
    [
        (None, False),
        (TODAY, False),
        (TODAY - dt.timedelta(days=1), True),
        (TODAY + dt.timedelta(days=1), False),
    ],
)
def test_the_day_of_expiry_is_the_last_valid_one(expires_on: dt.date | None, expired: bool) -> None:
    assert has_expired(expires_on, TODAY) is expired


def test_repeated_names_the_later_places() -> None:
    assert repeated(["a", "b", "a", "c", "b", "a"]) == [2, 4, 5]


@given(st.lists(st.sampled_from("abc")))
def test_without_the_repeated_ones_each_stands_once(numbers: list[str]) -> None:
    kept = [number for at, number in enumerate(numbers) if at not in repeated(numbers)]

    assert sorted(kept) == sorted(set(numbers))
