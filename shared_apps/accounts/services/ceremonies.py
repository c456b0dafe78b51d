"""What one step of a ceremony leaves for the next, for whoever began it (saas.core.tickets)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from saas.core import tickets
from saas.core.api.limiter import digest


def keep(kind: str, who: str, value: dict[str, Any], *, lasts: timedelta) -> None:
    """Remember `value` (JSON) for `who`; what was there before is forgotten. Raises ServiceUnavailable."""
    tickets.keep(_key(kind, who), value, lasts=lasts)


def look(kind: str, who: str) -> dict[str, Any] | None:
    """What was kept, still there afterwards; None where there is nothing, or it is of a library copied from."""
    return tickets.look(_key(kind, who))


def take(kind: str, who: str) -> dict[str, Any] | None:
    """What was kept, and is gone by it: of many that take at once, one gets it."""
    found = look(kind, who)
    return found if found is not None and tickets.spend(_key(kind, who)) else None


def _key(kind: str, who: str) -> str:
    return f"ceremony:{kind}:{digest(who)}"
