"""What a visit may do. Pure: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NONE, READ, WRITE = "none", "read", "write"
# The library's setting, from little to much, and what it may be set to.
SETTING: Final = "staff_visits"
ADMITTED: Final = (NONE, READ, WRITE)
ACCESSES: Final = (READ, WRITE)
# Who ended a visit before its time.
BY_STAFF, BY_LIBRARY = "staff", "library"

# What a visit may change in no library: it would leave a way in behind, or let itself stay.
KEPT_FROM_VISITS: Final = frozenset(
    {"roles.manage", "members.manage", "keys.manage", "sign_in.manage", "settings.manage"}
)


def admits(setting: object, access: str) -> bool:
    """Whether a library with this setting lets a visit of this access in."""
    return ADMITTED.index(str(setting)) >= ADMITTED.index(access)


def effective_access(setting: object, asked: str) -> str:
    """What a visit may do now: what it was begun for, or less where the library has lowered its setting since."""
    return min(asked, str(setting), key=ADMITTED.index)


def permissions_of(access: str, known: Iterable[str]) -> frozenset[str]:
    """The permissions of a visit among those `known`: to see; with write, to change as well what visits may."""
    if access == WRITE:
        return frozenset(known) - KEPT_FROM_VISITS
    return frozenset(name for name in known if access == READ and name.endswith(".view"))
