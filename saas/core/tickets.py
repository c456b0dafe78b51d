"""What one step leaves for the next: in the cache for minutes, never in the client's hands, encrypted for the library.

The caller names the place, with whatever it keeps secret hashed in it. Who reads Redis finishes nothing that others
began, and a copied value is no good in another library or another place. What is lost with the cache has to be begun
again.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.cache import cache

from saas.core.errors import ServiceUnavailable
from saas.core.sealing import Unsealable, seal, unseal

_PURPOSE = "ticket"


def keep(place: str, value: dict[str, Any], *, lasts: timedelta) -> None:
    """Keep a value (JSON) for the time being; what was there before is forgotten.

    Raises ServiceUnavailable where nothing can be kept: better now than at the next step, which would find nothing.
    """
    stored = seal(json.dumps(value), purpose=_PURPOSE, place=place)
    kept: Any = cache  # django-redis says whether it could
    if not kept.set(place, stored, timeout=int(lasts.total_seconds())):
        raise ServiceUnavailable


def look(place: str) -> dict[str, Any] | None:
    """What is kept there and stays; None where there is nothing of this library."""
    stored = cache.get(place)
    if not isinstance(stored, str):
        return None
    try:
        value: dict[str, Any] = json.loads(unseal(stored, purpose=_PURPOSE, place=place))
    except Unsealable:
        return None
    return value


def spend(place: str) -> bool:
    """Take it out of use; True for one caller alone, however many come at once."""
    return bool(cache.delete(place))
