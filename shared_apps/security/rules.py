"""What is kept of an event, and whom it is worth a mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from saas.core.api.limiter import Policy
from saas.core.security_events import Kind, SecurityEvent

HOUR = 3600
KEEP = timedelta(days=90)
# The role of a library, and that of the platform, whose holders may do everything.
HIGHEST_ROLES = frozenset({"admin", "owner"})

# Rows of one kind in one hour: for who caused them, and in all. What comes after is counted and not kept.
PER_SUBJECT = Policy("security-subject", 20, HOUR)
PER_KIND = Policy("security-kind", 500, HOUR)
# So many refused sign-ins in an hour are a burst.
BURST = Policy("security-burst", 50, HOUR)

TITLES: Final[Mapping[Kind, Promise]] = {
    Kind.SIGN_IN_REFUSED: _("Many failed attempts to sign in"),
    Kind.SIGN_IN_LIMITED: _(
        "The account of an admin is locked for some minutes, because its password is being guessed"
    ),
    Kind.REFRESH_REUSED: _("A token that was used before was used again, so that its session was ended"),
    Kind.PASSKEY_COPIED: _("A passkey was refused, because a copy of it has been used"),
    Kind.ROLE_GRANTED: _("Somebody was given the highest role"),
    Kind.KEY_CREATED: _("An API key with wide rights was made"),
}


def always_matters(event: SecurityEvent) -> bool:
    """Whether the admins are told of this event as it stands, without asking anybody who the admins are."""
    if event.kind in (Kind.REFRESH_REUSED, Kind.PASSKEY_COPIED):
        return True
    # What the system itself grants is the beginning of a library.
    if event.kind == Kind.ROLE_GRANTED:
        return event.facts.get("role") in HIGHEST_ROLES and event.by.kind != "system"
    return event.kind == Kind.KEY_CREATED and event.facts.get("wide") is True


def bucket(event: SecurityEvent, *, subject: str) -> str:
    """The name of the row that counts what comes after a limit: by kind, hour and, where it has a digest, subject."""
    return f"{event.kind.value}:{_hour(event.at)}:{subject}"


def alert_key(event: SecurityEvent) -> str:
    """Equal for all events of one kind in one hour, so that they are one mail."""
    return f"security.alert:{event.kind.value}:{_hour(event.at)}"


def _hour(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H")
