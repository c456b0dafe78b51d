"""What one step of a ceremony leaves for the next: kept in the cache, never in the client's hands, for minutes.

A key is of the current schema, the kind of ceremony and whoever began it. Without Redis there is nothing to find, so a
ceremony fails and lets nobody in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.cache import cache

from saas.core.api.limiter import digest
from saas.core.jwt import library_name


def keep(kind: str, who: str, value: dict[str, Any], *, lasts: timedelta) -> None:
    """Remember `value` (JSON) for `who`; what was there before is forgotten."""
    kept = {**value, "site": library_name()}
    cache.set(_key(kind, who), kept, timeout=int(lasts.total_seconds()))


def look(kind: str, who: str) -> dict[str, Any] | None:
    """What was kept, still there afterwards; None where there is nothing, or it is of a library copied from."""
    found = cache.get(_key(kind, who))
    return found if isinstance(found, dict) and found.get("site") == library_name() else None


def take(kind: str, who: str) -> dict[str, Any] | None:
    """What was kept, and is gone by it: of many that take at once, one gets it."""
    found = look(kind, who)
    return found if found is not None and cache.delete(_key(kind, who)) else None


def _key(kind: str, who: str) -> str:
    return f"ceremony:{kind}:{digest(who)}"
