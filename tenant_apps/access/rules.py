"""The permissions that exist, and the roles that every new library begins with.

Fixed by the release, not by a library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADMIN, LIBRARIAN, READER, GUEST = "admin", "librarian", "reader", "guest"

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
    "audit.view": _("Read the audit log"),
    "audit.personal": _("See the personal values in the audit log"),
    "members.manage": _("Manage the people who work here"),
    "roles.manage": _("Give roles and take them away"),
    "keys.manage": _("Make keys for machines and take them away"),
}


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


class Grant(TypedDict):
    """A role that a user holds.

    `branch` is a branch's id, None for the whole library; `permissions` as stored.
    """

    role: str
    branch: int | None
    permissions: list[str]


def effective_permissions(role: str, stored: Iterable[str]) -> frozenset[str]:
    """What a role allows.

    Of Admin everything that this release knows, of others what is stored and still exists.
    """
    return frozenset(PERMISSIONS) if role == ADMIN else frozenset(stored) & frozenset(PERMISSIONS)


def combine(grants: Iterable[Grant]) -> tuple[frozenset[str], dict[int, frozenset[str]]]:
    """Permissions for the whole library, and by branch id those that roles at that branch give."""
    everywhere: frozenset[str] = frozenset()
    by_branch: dict[int, frozenset[str]] = {}
    for grant in grants:
        permissions = effective_permissions(grant["role"], grant["permissions"])
        branch = grant["branch"]
        if branch is None:
            everywhere |= permissions
        else:
            by_branch[branch] = by_branch.get(branch, frozenset()) | permissions
    return everywhere, by_branch
