"""The permissions that exist, and the roles that every new library begins with.

Fixed by the release, not by a library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADMIN, LIBRARIAN, READER, GUEST = "admin", "librarian", "reader", "guest"
LIBRARY, BRANCH, COLLECTION = "library", "branch", "collection"
# What a single row is shared for, and how Django names that.
VIEW, EDIT = "view", "edit"
SHARED: Final[Mapping[str, str]] = {VIEW: "view", EDIT: "change"}

PERMISSIONS: Final[Mapping[str, Promise]] = {
    "catalog.view": _("Search the catalogue and see titles and their availability"),
    "catalog.manage": _("Add, change and delete titles"),
    "catalog.import": _("Import files of records"),
    "copies.manage": _("Add, change and withdraw copies"),
    "patrons.view": _("See patrons, their cards and their loans"),
    "patrons.manage": _("Add, change and delete patrons"),
    "circulation.lend": _("Lend, return and renew"),
    "circulation.view": _("See loans"),
    "branches.manage": _("Add and change branches"),
    "collections.manage": _("Add, change and remove collections"),
    "rules.view": _("See the loan rules"),
    "rules.manage": _("Change the loan rules"),
    "settings.view": _("See the library's settings"),
    "settings.manage": _("Change the library's settings"),
    "sign_in.manage": _("Choose the identity providers that people may sign in with"),
    "audit.view": _("Read the audit log"),
    "audit.personal": _("See the personal values in the audit log"),
    "members.manage": _("Manage the people who work here"),
    "roles.manage": _("Give roles and take them away"),
    "keys.manage": _("Make keys for machines and take them away"),
}

# Who holds one of these anywhere has a second factor where the library asks its admins for one (`admins_need_mfa`).
NEED_FACTOR: Final = ("members.manage", "roles.manage")

# Where less than the whole library makes sense. Every permission can be held for the whole library; what is not here
# for a branch (or a collection) a role that is held there does not give, whatever its list says: the rows of a branch
# can be told from another's, a setting of the library cannot. What is only seen ("settings.view") any branch opens.
SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "catalog.view": frozenset({BRANCH, COLLECTION}),
    "catalog.manage": frozenset({COLLECTION}),
    "copies.manage": frozenset({BRANCH, COLLECTION}),
    "patrons.view": frozenset({BRANCH}),
    "patrons.manage": frozenset({BRANCH}),
    "circulation.lend": frozenset({BRANCH}),
    "circulation.view": frozenset({BRANCH}),
    "branches.manage": frozenset({BRANCH}),
    "collections.manage": frozenset({COLLECTION}),
    "rules.view": frozenset({BRANCH}),
    "rules.manage": frozenset({BRANCH}),
    "settings.view": frozenset({BRANCH}),
    "roles.manage": frozenset({BRANCH, COLLECTION}),
    "members.manage": frozenset({BRANCH, COLLECTION}),
}


def scopes_of(permission: str) -> tuple[str, ...]:
    """Where a permission can be held: "library" and, where it makes sense there, "branch" and "collection"."""
    return (LIBRARY, *sorted(SCOPES.get(permission, ())))


@dataclass(frozen=True, slots=True)
class StandardRole:
    """A role that every new library gets.

    It may be edited there, but for Admin, which can always do everything.
    """

    code: str
    name: Promise
    permissions: frozenset[str]


STANDARD_ROLES: Final[tuple[StandardRole, ...]] = (
    StandardRole(ADMIN, _("Admin"), frozenset(PERMISSIONS)),
    StandardRole(
        LIBRARIAN,
        _("Librarian"),
        frozenset(
            {
                "catalog.view",
                "catalog.manage",
                "catalog.import",
                "copies.manage",
                "patrons.view",
                "patrons.manage",
                "circulation.lend",
                "circulation.view",
                "rules.view",
                "settings.view",
            }
        ),
    ),
    StandardRole(READER, _("Reader"), frozenset({"catalog.view"})),
    StandardRole(GUEST, _("Guest"), frozenset({"catalog.view"})),
)


_STANDARD: Final = {role.code: role.permissions for role in STANDARD_ROLES}


def is_standard(code: str) -> bool:
    """Whether every library has the role with this code."""
    return code in _STANDARD


def released_permissions(code: str) -> frozenset[str] | None:
    """What this release gives to a standard role, None for a role that a library has made itself."""
    return _STANDARD.get(code)


def effective_permissions(role: str, stored: Iterable[str], *, edited: bool = False) -> frozenset[str]:
    """What a role allows.

    Of Admin everything that this release knows; of a standard role that the library has not edited what this release
    gives it, so that a permission which a release brings reaches the libraries that are there; of others what is stored
    and still exists.
    """
    if role == ADMIN or (role in _STANDARD and not edited):
        return _STANDARD[role]
    return frozenset(stored) & frozenset(PERMISSIONS)


def held_at(permissions: frozenset[str], *, branch: bool = False, collection: bool = False) -> frozenset[str]:
    """What of these permissions is held by a role for a branch or for a collection; all of it for the whole library."""
    scope = BRANCH if branch else COLLECTION if collection else None
    if scope is None:
        return permissions
    return frozenset(name for name in permissions if scope in SCOPES.get(name, ()))


class Grant(TypedDict):
    """A role that somebody holds, as `selectors` reads it.

    `id` is the assignment's; `branch` and `collection` are ids, both None for the whole library; `permissions` and
    `edited` as stored.
    """

    id: int
    role: str
    edited: bool
    permissions: list[str]
    branch: int | None
    collection: int | None


class Rights(NamedTuple):
    """Permissions for the whole library, and by id of a branch or collection those that roles there give."""

    everywhere: frozenset[str]
    by_branch: Mapping[int, frozenset[str]]
    by_collection: Mapping[int, frozenset[str]]


def permissions_of(grant: Grant) -> frozenset[str]:
    """What one grant allows, in its scope."""
    allowed = effective_permissions(grant["role"], grant["permissions"], edited=grant["edited"])
    return held_at(allowed, branch=grant["branch"] is not None, collection=grant["collection"] is not None)


def combine(grants: Iterable[Grant]) -> Rights:
    """What several grants allow together. Grants only ever add."""
    everywhere: frozenset[str] = frozenset()
    scoped: dict[str, dict[int, frozenset[str]]] = {BRANCH: {}, COLLECTION: {}}
    known: dict[tuple[str, str], frozenset[str]] = {}
    for grant in grants:
        kind, scope = _scope_of(grant)
        key = grant["role"], kind
        allowed = known.get(key)
        if allowed is None:
            allowed = known[key] = permissions_of(grant)
        if scope is None:
            everywhere = everywhere | allowed if everywhere else allowed
        else:
            held = scoped[kind].get(scope)
            scoped[kind][scope] = held | allowed if held else allowed
    return Rights(everywhere, scoped[BRANCH], scoped[COLLECTION])


def _scope_of(grant: Grant) -> tuple[str, int | None]:
    if grant["branch"] is not None:
        return BRANCH, grant["branch"]
    if grant["collection"] is not None:
        return COLLECTION, grant["collection"]
    return LIBRARY, None
