"""What decides whether a patron may borrow, as far as it is written on the patron: pure functions."""

from __future__ import annotations

import datetime as dt


def has_expired(expires_on: dt.date | None, today: dt.date) -> bool:
    """Whether a membership is over: the day it expires on is its last valid day, and no date means never.

    `today` is the date at the branch that asks.
    """
    return expires_on is not None and expires_on < today


def repeated(numbers: list[str]) -> list[int]:
    """Return the positions, from 0, of values that stand in the list before."""
    seen: set[str] = set()
    found = []
    for at, number in enumerate(numbers):
        if number in seen:
            found.append(at)
        seen.add(number)
    return found
