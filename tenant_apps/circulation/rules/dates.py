"""When a loan is due."""

from __future__ import annotations

import datetime as dt
import zoneinfo

LAST_SECOND = dt.time(23, 59, 59)


def due_at(checked_out_at: dt.datetime, days: int, time_zone: str) -> dt.datetime:
    """Return, in UTC, 23:59:59 of the day that is `days` calendar days after the checkout at the branch.

    Days are counted on the branch's calendar and only the result is turned into UTC, so a change of the
    clocks in between moves nothing (scenario S19). Where the clocks are turned back across midnight,
    23:59:59 happens twice and the later one counts; where that night skips it, the moment after the gap.
    Raises ValueError for a naive moment or less than one day.
    """
    if checked_out_at.tzinfo is None:
        raise ValueError("A naive moment has no date at a branch.")
    if days < 1:
        raise ValueError("A day loan lasts one day at least.")
    zone = zoneinfo.ZoneInfo(time_zone)
    day = checked_out_at.astimezone(zone).date() + dt.timedelta(days=days)
    local = dt.datetime.combine(day, LAST_SECOND, tzinfo=zone)
    return max(local.astimezone(dt.UTC), local.replace(fold=1).astimezone(dt.UTC))
