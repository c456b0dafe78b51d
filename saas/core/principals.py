"""Who acts, and what they may do: one immutable answer per request, loaded in one query."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
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


PERSON, KEY, STAFF = "person", "key", "staff"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller's rights in the current library (or, for platform staff, on the public site).

    `permissions` hold for the whole library; `branch_permissions` for one branch each, by branch id, and
    `collection_permissions` for one collection each. `kind` says who it is that proved itself: a person with an account
    here, an API key, or platform staff on a visit; the latter two have no `user_id`, and are told apart by `label`.
    `needs_factor`: the person must have a second factor; `lacks_factor`: they have none, and so no permission at all.
    """

    user_id: int | None = None
    email: str = ""
    name: str = ""
    roles: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    branch_permissions: Mapping[int, frozenset[str]] = field(default_factory=dict)
    collection_permissions: Mapping[int, frozenset[str]] = field(default_factory=dict)
    kind: str = PERSON
    label: str = ""
    needs_factor: bool = False
    lacks_factor: bool = False
    # The assignments behind the rights as their loader read them, for it to tell the caller; no part of the rights.
    grants: str = field(default="", compare=False, repr=False)

    @property
    def is_person(self) -> bool:
        """Whether the caller has an account here."""
        return self.user_id is not None

    @property
    def is_authenticated(self) -> bool:
        """Whether the caller proved who they are: a person, a key or staff on a visit."""
        return self.is_person or self.kind != PERSON

    def with_factor(self, *, needed: bool, held: bool) -> Principal:
        """The same person as far as second factors let them: one who needs one and holds none may do nothing."""
        if not needed:
            return self
        if held:
            return replace(self, needs_factor=True)
        return replace(
            self,
            needs_factor=True,
            lacks_factor=True,
            permissions=_NOTHING,
            branch_permissions={},
            collection_permissions={},
        )

    @property
    def may_have_shares(self) -> bool:
        """Whether single rows can be shared with the caller: with people, and not without the factor that they need."""
        return self.is_person and not self.lacks_factor

    @property
    def actor(self) -> Actor:
        """The name under which this caller's changes are recorded."""
        if not self.is_authenticated:
            return ANONYMOUS
        return Actor(kind=self.kind, user_id=self.user_id, label=self.label)

    def may(self, permission: str, *, branch_id: int | None = None, collection_id: int | None = None) -> bool:
        """Whether the caller holds a permission for the library or, where given, for a branch or collection."""
        return (
            permission in self.permissions
            or (branch_id is not None and permission in self.branch_permissions.get(branch_id, _NOTHING))
            or (
                collection_id is not None
                and permission in self.collection_permissions.get(collection_id, _NOTHING)
            )
        )

    def may_anywhere(self, permission: str) -> bool:
        """Whether the caller holds a permission for the library, or for at least one branch or collection."""
        scoped = (*self.branch_permissions.values(), *self.collection_permissions.values())
        return permission in self.permissions or any(permission in names for names in scoped)

    def branches_for(self, permission: str) -> frozenset[int] | None:
        """Branch ids where the permission holds; None means the whole library."""
        return None if permission in self.permissions else _where(permission, self.branch_permissions)

    def collections_for(self, permission: str) -> frozenset[int] | None:
        """Collection ids for which the permission holds; None means the whole library."""
        return None if permission in self.permissions else _where(permission, self.collection_permissions)


_NOTHING: frozenset[str] = frozenset()


def _where(permission: str, scoped: Mapping[int, frozenset[str]]) -> frozenset[int]:
    return frozenset(scope for scope, names in scoped.items() if permission in names)


class WithoutAccount(AnonymousUser):
    """What is in `request.user` for a caller that proved itself without an account here: a key or staff on a visit."""

    is_active = True  # type: ignore[assignment]

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        """Return True: Django and DRF ask this of `request.user`."""
        return True

    @property
    def is_anonymous(self) -> bool:  # type: ignore[override]
        """Return False."""
        return False


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
