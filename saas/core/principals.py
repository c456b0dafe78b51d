"""Who acts, and what they may do: one immutable answer per request, loaded in one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from saas.core.tenancy import current_library_or_none


@dataclass(frozen=True, slots=True)
class Actor:
    """Who a change is attributed to in the audit log.

    `kind`: person, system (a task or a command), key (an API key), staff (platform staff on a visit), anonymous.
    """

    kind: str
    user_id: int | None = None
    label: str = ""


SYSTEM = Actor(kind="system", label="system")
ANONYMOUS = Actor(kind="anonymous", label="anonymous")


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller's rights in the current library (or, for platform staff, on the public site).

    `permissions` hold for the whole library; `branch_permissions` for one branch each, by branch id.
    """

    user_id: int | None = None
    email: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    branch_permissions: Mapping[int, frozenset[str]] = field(default_factory=dict)

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody signed in."""
        return self.user_id is not None

    @property
    def actor(self) -> Actor:
        """The name under which this caller's changes are recorded."""
        return Actor(kind="person", user_id=self.user_id) if self.is_authenticated else ANONYMOUS

    def may(self, permission: str, *, branch_id: int | None = None) -> bool:
        """Whether the caller holds a permission for the whole library or, where given, for this branch."""
        if permission in self.permissions:
            return True
        return branch_id is not None and permission in self.branch_permissions.get(branch_id, frozenset())

    def may_anywhere(self, permission: str) -> bool:
        """Whether the caller holds a permission for the library or at least one branch."""
        return permission in self.permissions or any(
            permission in p for p in self.branch_permissions.values()
        )

    def branches_for(self, permission: str) -> frozenset[int] | None:
        """Branch ids where the permission holds; None means the whole library."""
        if permission in self.permissions:
            return None
        return frozenset(branch for branch, names in self.branch_permissions.items() if permission in names)


PrincipalLoader = Callable[[int | None], Principal]


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user (None: an anonymous caller, the Guest role) on the current site, in one query.

    PRINCIPAL_LOADERS names one function for libraries and one for the public site.
    """
    site = "library" if current_library_or_none() else "public"
    loader = cast(PrincipalLoader, import_string(settings.PRINCIPAL_LOADERS[site]))
    return loader(user_id)


def principal_of(request: HttpRequest | Any) -> Principal:
    """The caller's principal, loaded once per request."""
    raw: Any = getattr(request, "_request", request)
    principal = getattr(raw, "_principal", None)
    if principal is None:
        user = getattr(request, "user", None)
        known = user.pk if user is not None and user.is_authenticated else None
        # To look at the user may have brought the rights along (saas.core.browser_session).
        principal = getattr(raw, "_principal", None) or load_principal(known)
        raw._principal = principal
    return cast(Principal, principal)
