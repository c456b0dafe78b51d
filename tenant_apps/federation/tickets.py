"""What somebody who is on the way through a sign-in brings back: known by a random ticket, once, for ten minutes.

The values lie under the hash of their ticket (saas.core.tickets): who reads Redis can guess none.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from saas.core import tickets
from tenant_apps.federation.rules import FLOW_LIFETIME

MAX_TICKET = 100


def new_secret() -> str:
    """256 random bits that may stand in an address or a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a secret that somebody else holds."""
    return hashlib.sha256(secret.encode()).hexdigest()


def keep(kind: str, ticket: str, value: dict[str, Any]) -> None:
    """Keep a value (JSON) under a secret. Raises ServiceUnavailable where nothing can be kept."""
    tickets.keep(_name(kind, ticket), value, lasts=FLOW_LIFETIME)


def look(kind: str, ticket: str) -> dict[str, Any] | None:
    """The value of a ticket that was not spent, None for any other text."""
    return tickets.look(_name(kind, ticket)) if len(ticket) <= MAX_TICKET else None


def spend(kind: str, ticket: str) -> bool:
    """Take a ticket out of use; True for one caller alone, however many come at once."""
    return tickets.spend(_name(kind, ticket))


def _name(kind: str, ticket: str) -> str:
    return f"federation:{kind}:{digest(ticket)}"
