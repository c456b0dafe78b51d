"""Due at the end of a day by the branch's clock, whatever the clocks did in between (S19)."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.circulation.rules import due_at

# Both hemispheres, half hours, no daylight saving, clocks turned at midnight, a day that never was (Apia, 2011-12-30).
ZONES = [
    "UTC",
    "Europe/Rome",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
]


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("lent", "days", "zone", "due"),
    [
        pytest.param("2026-11-20T09:30", 28, "Europe/Rome", "2026-12-18T22:59:59", id="winter to winter"),
        pytest.param("2026-10-20T09:30", 14, "Europe/Rome", "2026-11-03T22:59:59", id="S19 into winter"),
        pytest.param("2026-03-20T09:30", 14, "Europe/Rome", "2026-04-03T21:59:59", id="S19 into summer"),
        pytest.param(
            "2026-11-20T23:30", 1, "Europe/Rome", "2026-11-22T22:59:59", id="lent after local midnight"
        ),
        pytest.param(
            "2026-11-20T02:00", 1, "America/New_York", "2026-11-21T04:59:59", id="lent before local midnight"
        ),
        pytest.param(
            "2026-10-25T00:30",
            0 + 1,
            "Europe/Rome",
            "2026-10-26T22:59:59",
            id="lent in the hour that comes twice",
        ),
        # Havana turned its clocks from 1:00 back to 0:00 on 2026-11-01; 23:59:59 is the one before that.
        pytest.param(
            "2026-10-30T12:00", 1, "America/Havana", "2026-11-01T03:59:59", id="the night of the change"
        ),
        # Brazil turned its clocks from 0:00 back to 23:00: that day had 23:59:59 twice, and the later one counts.
        pytest.param(
            "2018-02-10T12:00", 7, "America/Sao_Paulo", "2018-02-18T02:59:59", id="23:59:59 comes twice"
        ),
        # Samoa had no 30 December 2011.
        pytest.param(
            "2011-12-29T12:00", 1, "Pacific/Apia", "2011-12-31T09:59:59", id="the day that never was"
        ),
    ],
)
def test_known_dates(lent: str, days: int, zone: str, due: str) -> None:
    assert due_at(utc(lent), days, zone) == utc(due)


moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2037, 1, 1), timezones=st.just(dt.UTC))


@given(moments, st.integers(1, 400), st.sampled_from(ZONES))
def test_due_is_the_last_second_of_the_local_day(lent: dt.datetime, days: int, zone: str) -> None:
    tz = zoneinfo.ZoneInfo(zone)
    due = due_at(lent, days, zone)
    local, expected = due.astimezone(tz), lent.astimezone(tz).date() + dt.timedelta(days=days)

    assert due.tzinfo is dt.UTC
    if zone == "Pacific/Apia" and expected == dt.date(2011, 12, 30):
        assert local.date() == dt.date(2011, 12, 31)
        return
    assert (local.date(), local.time()) == (expected, dt.time(23, 59, 59))
    # One second later it is another day, so no part of the day is lost, not even where 23:59:59 comes twice.
    assert (due + dt.timedelta(seconds=1)).astimezone(tz).date() > expected


@given(moments, st.integers(1, 400), st.sampled_from(ZONES))
def test_due_is_after_the_checkout_and_grows_with_the_days(lent: dt.datetime, days: int, zone: str) -> None:
    assert lent < due_at(lent, days, zone) < due_at(lent, days + 2, zone)


def test_a_naive_moment_is_a_bug() -> None:
    with pytest.raises(ValueError, match="naive"):
        due_at(dt.datetime(2026, 11, 20), 1, "UTC")


@pytest.mark.parametrize("days", [0, -1])
def test_less_than_a_day_is_a_bug(days: int) -> None:
    with pytest.raises(ValueError, match="one day"):
        due_at(utc("2026-11-20T00:00"), days, "UTC")
