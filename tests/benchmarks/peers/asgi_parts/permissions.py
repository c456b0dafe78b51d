"""Who may do what: the permissions of a caller's roles, for the library, a branch or a collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.benchmarks.peers.asgi_parts.refusals import Refused

ALL_PERMISSIONS = (
    "audit.personal",
    "audit.view",
    "branches.manage",
    "catalog.import",
    "catalog.manage",
    "catalog.view",
    "circulation.lend",
    "circulation.view",
    "collections.manage",
    "copies.manage",
    "keys.manage",
    "members.manage",
    "patrons.manage",
    "patrons.view",
    "roles.manage",
    "rules.manage",
    "rules.view",
    "settings.manage",
    "settings.view",
    "sign_in.manage",
)
NEED_FACTOR = frozenset({"members.manage", "roles.manage"})


class Grant(Protocol):
    """A role that somebody has, where it holds: codes of branch and collection, neither for the library."""

    id: Any
    role: Any
    permissions: Any
    branch: Any
    collection: Any


@dataclass(slots=True)
class Caller:
    """Whoever sends a request."""

    id: int
    email: str
    name: str
    language: str
    grants: Sequence[Grant]
    everywhere: frozenset[str] = frozenset()
    by_branch: dict[str, frozenset[str]] = field(default_factory=dict)
    by_collection: dict[str, frozenset[str]] = field(default_factory=dict)

    def combine(self, *, factor_asked: bool, has_factor: bool) -> Caller:
        """Put the permissions of all roles together; somebody who lacks a second factor that they need has none."""
        for grant in self.grants:
            allowed = frozenset(allowed_by(grant))
            if grant.branch is not None:
                self.by_branch[grant.branch] = self.by_branch.get(grant.branch, frozenset()) | allowed
            elif grant.collection is not None:
                held = self.by_collection.get(grant.collection, frozenset())
                self.by_collection[grant.collection] = held | allowed
            else:
                self.everywhere |= allowed
        if factor_asked and not has_factor and not self._held().isdisjoint(NEED_FACTOR):
            self.everywhere, self.by_branch, self.by_collection = frozenset(), {}, {}
        return self

    def require(self, permission: str, branch: str | None = None) -> None:
        """Raise Refused without the permission: for the library or, where one is given, for the branch."""
        if permission in self.everywhere:
            return
        if branch is None or permission not in self.by_branch.get(branch, ()):
            raise Refused("permission_denied", 403)

    def _held(self) -> frozenset[str]:
        return self.everywhere.union(*self.by_branch.values(), *self.by_collection.values())


def allowed_by(grant: Grant) -> Sequence[str]:
    """What a role gives; Admin has everything."""
    return ALL_PERMISSIONS if grant.role == "admin" else grant.permissions
