"""Reading roles, and a caller's rights in one query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import JSONObject
from django.utils.module_loading import import_string

from saas.core.api.authentication import Caller
from saas.core.principals import Principal
from shared_apps.accounts import selectors as accounts
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import ADMIN, GUEST, PERMISSIONS, Grant, combine, effective_permissions
from tenant_apps.preferences import selectors as preferences

GUESTS_MAY_SEARCH = "guests_may_search"


def load_caller(user_id: int, session: str | None) -> Caller | None:
    """A token's user, the state of the session and the user's rights, in one query; None for an unknown user.

    `session` is the token's `sid`; a token without one lives until it expires.
    """
    open_session: Any = accounts.open_sessions(session, user=OuterRef("pk"))
    rows = accounts.users().annotate(
        _grants=ArraySubquery(_grants_of(OuterRef("pk"))),
        _session_open=Value(True) if session is None else Exists(open_session),
    )
    user: Any = rows.filter(pk=user_id).first()
    if user is None:
        return None
    return Caller(user, _principal(user.pk, user.email, user.name, user._grants), bool(user._session_open))


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user in the current library; of None, or of somebody gone or inactive, those of a guest.

    One query. A signed-in user without any role may do what a guest may do; finding that takes a second
    query.
    """
    if user_id is None:
        return _guest()
    grants = ArraySubquery(_grants_of(OuterRef("pk")))
    found = accounts.users().filter(pk=user_id, is_active=True).annotate(_grants=grants)
    row = found.values_list("id", "email", "name", "_grants").first()
    return _guest() if row is None else _principal(*row)


def roles() -> QuerySet[Role]:
    """The roles of the current library, by code."""
    return Role.objects.order_by("code")


def admins() -> QuerySet[Any]:
    """The active users who are admins of the whole library; mails about its safety go to them."""
    held = RoleAssignment.objects.filter(role__code=ADMIN, branch=None).values("user")
    return accounts.users().filter(pk__in=held, is_active=True).order_by("pk")


def permission_names() -> frozenset[str]:
    """Every permission that this release knows."""
    return frozenset(PERMISSIONS)


def role_assignments_managed_by(principal: Principal) -> QuerySet[RoleAssignment]:
    """Who holds which role where, as far as the caller manages it: everywhere, or at their branches."""
    rows = RoleAssignment.objects.select_related("user", "role", "branch")
    branches = principal.branches_for("roles.manage")
    return rows if branches is None else rows.filter(branch__in=branches)


def roles_held_by(user_id: int) -> QuerySet[RoleAssignment]:
    """A user's roles by name, each with its role and branch (None: the whole library); one query."""
    rows = RoleAssignment.objects.filter(user=user_id).select_related("role", "branch")
    return rows.order_by("role__name", "branch__name")


def describe(principal: Principal, *, language: str) -> dict[str, Any]:
    """The answer of `/api/v1/me/` for a signed-in caller (api.serializers.MeSerializer).

    No query for who holds roles for the whole library alone, one for who holds some at branches, and what the
    functions of ME_EXTENSIONS ask.
    """
    roles: list[dict[str, str | None]] = [{"role": role, "branch": None} for role in principal.roles]
    at_branches: dict[str, list[str]] = {}
    if principal.branch_permissions:
        roles, at_branches = _by_branch_code(principal)
    answer = {
        "id": str(principal.user_id),
        "email": principal.email,
        "name": principal.name,
        "language": language,
        "roles": roles,
        "permissions": sorted(principal.permissions),
        "branch_permissions": at_branches,
    }
    for path in settings.ME_EXTENSIONS:
        answer |= cast("Callable[[int], dict[str, Any]]", import_string(path))(cast("int", principal.user_id))
    return answer


def _by_branch_code(principal: Principal) -> tuple[list[dict[str, str | None]], dict[str, list[str]]]:
    rows = RoleAssignment.objects.filter(user=principal.user_id).order_by("role__code", "branch__code")
    found = list(rows.values_list("role__code", "branch_id", "branch__code"))
    codes = {branch: code for _role, branch, code in found if branch is not None}
    return (
        [{"role": role, "branch": code} for role, _branch, code in found],
        {
            codes[branch]: sorted(names)
            for branch, names in principal.branch_permissions.items()
            if branch in codes
        },
    )


def _grants_of(user: Any) -> QuerySet[RoleAssignment, Any]:
    grant = JSONObject(role=F("role__code"), branch=F("branch_id"), permissions=F("role__permissions"))
    return RoleAssignment.objects.filter(user=user).order_by("id").values_list(grant)


def _principal(user_id: int, email: str, name: str, grants: list[Grant]) -> Principal:
    everywhere, by_branch = combine(grants)
    if not grants:
        everywhere = _guest().permissions
    return Principal(
        user_id=user_id,
        email=email,
        name=name,
        roles=tuple(dict.fromkeys(grant["role"] for grant in grants)),
        permissions=everywhere,
        branch_permissions=by_branch,
    )


def _guest() -> Principal:
    """What anybody may do here: the Guest role, if the library lets guests in. One query."""
    found = Role.objects.filter(code=GUEST).annotate(_open=preferences.stored(GUESTS_MAY_SEARCH))
    row = found.values_list("permissions", "_open").first()
    if row is None or not preferences.or_default(GUESTS_MAY_SEARCH, row[1]):
        return Principal()
    return Principal(roles=(GUEST,), permissions=effective_permissions(GUEST, row[0]))
