"""What somebody who is on the way through a sign-in brings back: known by a random ticket, once, for ten minutes.

The values lie in the cache under the hash of their ticket, encrypted for the library: who reads Redis can neither guess
a ticket nor finish what others began, and a ticket of one library is nothing in another. What is lost with the cache is
a sign-in that has to be begun again.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from django.core.cache import cache

from saas.core.errors import ServiceUnavailable
from saas.core.sealing import Unsealable, seal, unseal
from tenant_apps.federation.rules import FLOW_LIFETIME

_PURPOSE = "federation"
MAX_TICKET = 100


def new_secret() -> str:
    """256 random bits that may stand in an address or a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keep(kind: str, ticket: str, value: dict[str, Any]) -> None:
    """Keep a value (JSON) under a secret. Raises ServiceUnavailable where nothing can be kept."""
    name = _name(kind, ticket)
    stored = seal(json.dumps(value), purpose=_PURPOSE, place=name)
    kept: Any = cache  # django-redis says whether it could
    if not kept.set(name, stored, timeout=int(FLOW_LIFETIME.total_seconds())):
        raise ServiceUnavailable


def look(kind: str, ticket: str) -> dict[str, Any] | None:
    """The value of a ticket that was not spent, None for any other text."""
    if len(ticket) > MAX_TICKET:
        return None
    name = _name(kind, ticket)
    stored = cache.get(name)
    if not isinstance(stored, str):
        return None
    try:
        value: dict[str, Any] = json.loads(unseal(stored, purpose=_PURPOSE, place=name))
    except Unsealable:
        return None
    return value


def spend(kind: str, ticket: str) -> bool:
    """Take a ticket out of use; True for one caller alone, however many come at once."""
    return bool(cache.delete(_name(kind, ticket)))


def _name(kind: str, ticket: str) -> str:
    return f"federation:{kind}:{digest(ticket)}"
