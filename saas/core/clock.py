"""The one place that reads the clock, so that tests can set it and nothing mixes time zones.

Times are aware and in UTC everywhere but on a page or in a rule that names a branch's own zone.
"""

import datetime as dt
import zoneinfo


def now() -> dt.datetime:
    """Return this moment as an aware datetime in UTC."""
    return dt.datetime.now(dt.UTC)


def today(tz: str | dt.tzinfo, *, at: dt.datetime | None = None) -> dt.date:
    """Return the calendar date in the zone `tz` (an IANA name or a tzinfo) at `at`, by default now.

    Raises zoneinfo.ZoneInfoNotFoundError for an unknown name and ValueError for a naive `at`.
    """
    zone = zoneinfo.ZoneInfo(tz) if isinstance(tz, str) else tz
    moment = now() if at is None else at
    if moment.tzinfo is None:
        raise ValueError("A naive datetime has no date in another time zone.")
    return moment.astimezone(zone).date()
