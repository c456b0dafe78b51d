"""The clock: aware, in UTC, and the date of a place is that place's."""

import datetime as dt
import zoneinfo

import pytest
from freezegun import freeze_time

from saas.core import clock


def test_now_is_aware_and_in_utc() -> None:
    with freeze_time("2026-11-20T23:30:00Z"):
        moment = clock.now()
    assert moment == dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    assert moment.utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    ("zone", "date"),
    [("UTC", "2026-11-20"), ("Europe/Rome", "2026-11-21"), ("America/New_York", "2026-11-20")],
)
def test_today_is_the_date_of_the_place(zone: str, date: str) -> None:
    with freeze_time("2026-11-20T23:30:00Z"):
        assert clock.today(zone).isoformat() == date
        assert clock.today(zoneinfo.ZoneInfo(zone)).isoformat() == date


def test_today_at_a_given_moment() -> None:
    moment = dt.datetime(2026, 3, 28, 23, 30, tzinfo=dt.UTC)
    assert clock.today("Europe/Rome", at=moment).isoformat() == "2026-03-29"


def test_today_refuses_a_naive_moment_and_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match="naive"):
        clock.today("UTC", at=dt.datetime(2026, 1, 1))
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        clock.today("Mars/Olympus")
