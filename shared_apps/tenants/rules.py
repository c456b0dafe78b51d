"""The life of a library: what may follow what. Pure: no database, no clock.

A library has a standing, which billing decides (trialing, active, past_due), and holds on top of it (restricted,
suspended, closed). Its status is the strongest hold, or its standing where there is none; so what is lifted leads back
to where the library was, whatever happened in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

PROVISIONING, TRIALING, ACTIVE, PAST_DUE = "provisioning", "trialing", "active", "past_due"
RESTRICTED, SUSPENDED, CLOSED, DELETED = "restricted", "suspended", "closed", "deleted"
STANDINGS = frozenset({TRIALING, ACTIVE, PAST_DUE})
_IN_USE = STANDINGS | {RESTRICTED, SUSPENDED}
# From weak to strong: the last one that is on decides.
HOLDS = (RESTRICTED, SUSPENDED, CLOSED)


class Command(StrEnum):
    """What can be done to a library."""

    START_TRIAL = "start_trial"
    ACTIVATE = "activate"
    MARK_PAST_DUE = "mark_past_due"
    RESTRICT = "restrict"
    SUSPEND = "suspend"
    RESUME = "resume"
    CLOSE = "close"
    RESTORE = "restore"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class Transition:
    """`allowed` in these statuses; then `standing` is set, holds are put `on` or taken `off`.

    In a status of `done` there is nothing to do any more, and the command changes nothing: it may be repeated.
    """

    allowed: frozenset[str]
    done: frozenset[str] = frozenset()
    standing: str | None = None
    on: str | None = None
    off: frozenset[str] = frozenset()


TRANSITIONS: Mapping[Command, Transition] = MappingProxyType(
    {
        Command.START_TRIAL: Transition(frozenset({PROVISIONING}), frozenset({TRIALING}), standing=TRIALING),
        # Paid: a library that was read-only works again. A suspension is lifted by whoever suspended.
        Command.ACTIVATE: Transition(
            _IN_USE | {PROVISIONING}, frozenset({ACTIVE}), standing=ACTIVE, off=frozenset({RESTRICTED})
        ),
        Command.MARK_PAST_DUE: Transition(_IN_USE, frozenset({PAST_DUE}), standing=PAST_DUE),
        Command.RESTRICT: Transition(STANDINGS, frozenset({RESTRICTED}), on=RESTRICTED),
        Command.SUSPEND: Transition(STANDINGS | {RESTRICTED}, frozenset({SUSPENDED}), on=SUSPENDED),
        Command.RESUME: Transition(
            frozenset({RESTRICTED, SUSPENDED}), STANDINGS, off=frozenset({RESTRICTED, SUSPENDED})
        ),
        Command.CLOSE: Transition(_IN_USE, frozenset({CLOSED}), on=CLOSED),
        Command.RESTORE: Transition(frozenset({CLOSED}), _IN_USE, off=frozenset({CLOSED})),
        # A library that was never opened (an import that failed) has nothing to wait for.
        Command.ERASE: Transition(frozenset({CLOSED, PROVISIONING}), frozenset({DELETED})),
    }
)


@dataclass(frozen=True, slots=True)
class Life:
    """Where a library is: `holds` maps each hold that is on to its beginning."""

    status: str
    standing: str
    holds: Mapping[str, datetime] = field(default_factory=dict)
    is_being_erased: bool = False


def after(life: Life, command: Command, now: datetime) -> Life | None:
    """Where the library is after a command; the same `life` where there is nothing to do, None where it is refused."""
    transition = TRANSITIONS[command]
    if life.status in transition.done:
        return life
    if life.status not in transition.allowed or (life.is_being_erased and command is not Command.ERASE):
        return None
    holds = {hold: since for hold, since in life.holds.items() if hold not in transition.off}
    if transition.on:
        holds[transition.on] = now
    standing = transition.standing or _standing_of(life)
    return replace(life, status=_status_of(standing, holds), standing=standing, holds=holds)


def _standing_of(life: Life) -> str:
    return life.status if life.status in STANDINGS | {PROVISIONING} else life.standing


def _status_of(standing: str, holds: Mapping[str, datetime]) -> str:
    return next((hold for hold in reversed(HOLDS) if hold in holds), standing)


def is_due_for_erasure(life: Life, *, kept: timedelta, now: datetime) -> bool:
    """Whether a closed library was kept long enough, its erasure has begun, or it was never opened at all."""
    closed_at = life.holds.get(CLOSED)
    if life.status == CLOSED and closed_at is not None and closed_at + kept <= now:
        return True
    return life.status == PROVISIONING or (life.status == CLOSED and life.is_being_erased)
