"""Reading roles, and a caller's rights in one query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import JSONObject
from django.utils.module_loading import import_string

from saas.core.api.authentication import Caller
from saas.core.api.fields import parse_id, utc_text
from saas.core.principals import Principal
from saas.core.security_events import Contact
from shared_apps.accounts import selectors as accounts
from tenant_apps.access.models import Role, RoleAssignment, Share, share_codename
from tenant_apps.access.rules import (
    ADMIN,
    EDIT,
    GUEST,
    NEED_FACTOR,
    PERMISSIONS,
    SHARED,
    VIEW,
    Grant,
    combine,
    permissions_of,
)
from tenant_apps.branches.selectors import all_branches
from tenant_apps.collections.selectors import all_collections
from tenant_apps.keys.selectors import Rights as HeldRights
from tenant_apps.preferences import selectors as preferences

GUESTS_MAY_SEARCH, ADMINS_NEED_MFA = "guests_may_search", "admins_need_mfa"
MANAGE = "roles.manage"
SHARE_PERMISSIONS = tuple(SHARED)
_Share = TypeVar("_Share", bound=Share)
ASSIGNMENT_FILTERS = {
    "user": "user_id",
    "service_account": "service_account_id",
    "role": "role__code",
    "branch": "branch__code",
    "collection": "collection__code",
}


def load_caller(user_id: int, session: str | None) -> Caller | None:
    """A token's user, the state of the session and the user's rights, in one query; None for an unknown user.

    `session` is the token's `sid`; a token without one lives until it expires.
    """
    open_session: Any = accounts.open_sessions(session, user=OuterRef("pk"))
    rows = accounts.users().annotate(
        **_rights(),
        _session_open=Value(True) if session is None else Exists(open_session),
    )
    user: Any = rows.filter(pk=user_id).first()
    return None if user is None else Caller(user, _principal(user), bool(user._session_open))


def load_principal(user_id: int | None) -> Principal:
    """Rights of a user in the current library; of None, or of somebody gone or inactive, those of a guest.

    One query. A signed-in user without any role may do what a guest may do; finding that takes a second
    query.
    """
    if user_id is None:
        return _guest()
    user: Any = accounts.users().filter(pk=user_id, is_active=True).annotate(**_rights()).first()
    return _guest() if user is None else _principal(user)


def roles() -> QuerySet[Role]:
    """The roles of the current library, by code."""
    return Role.objects.order_by("code")


def admins() -> QuerySet[Any]:
    """The active users who are admins of the whole library; mails about its safety go to them."""
    held = RoleAssignment.objects.filter(role__code=ADMIN, branch=None, collection=None).values("user")
    return accounts.users().filter(pk__in=held, is_active=True).order_by("pk")


def permission_names() -> frozenset[str]:
    """Every permission that this release knows."""
    return frozenset(PERMISSIONS)


def role_assignments_managed_by(principal: Principal) -> QuerySet[RoleAssignment]:
    """Who holds which role where, as far as the caller manages it: everywhere, or at their branches and collections."""
    rows = RoleAssignment.objects.select_related("user", "service_account", "role", "branch", "collection")
    branches, collections = principal.branches_for(MANAGE), principal.collections_for(MANAGE)
    if branches is None or collections is None:
        return rows
    return rows.filter(Q(branch__in=branches) | Q(collection__in=collections))


def matching_assignments(
    rows: QuerySet[RoleAssignment], wanted: Mapping[str, str]
) -> QuerySet[RoleAssignment]:
    """Keep assignments that match every filter: ids of `user` and `service_account`, codes of the others."""
    for name, field in ASSIGNMENT_FILTERS.items():
        if name not in wanted:
            continue
        value = parse_id(wanted[name]) if field.endswith("_id") else wanted[name]
        # What cannot be an id is that of nobody, and not of everybody without one.
        rows = rows.none() if value is None else rows.filter(**{field: value})
    return rows


def admin_contacts() -> list[Contact]:
    """The active admins of the whole library, to be told what concerns its security; one query."""
    return [Contact(*row) for row in admins().values_list("pk", "email", "language")]


def roles_held_by(user_id: int) -> QuerySet[RoleAssignment]:
    """A user's roles by name, each with its role, branch and collection (neither: the whole library); one query."""
    rows = RoleAssignment.objects.filter(user=user_id).select_related("role", "branch", "collection")
    return rows.order_by("role__name", "branch__name", "collection__name")


def export_of_account(user_id: int) -> dict[str, Any]:
    """The member `roles` of the export of an account (setting ACCOUNT_EXPORTERS)."""
    return {
        "roles": [
            {
                "role": row.role.code,
                "name": row.role.name,
                "branch": row.branch.code if row.branch is not None else None,
                "collection": row.collection.code if row.collection is not None else None,
                "since": utc_text(row.created_at),
            }
            for row in roles_held_by(user_id)
        ]
    }


def rights_of_user(user_id: int) -> HeldRights:
    """What roles give to a user, also to one whose account is closed; a guest's rights are not counted. One query."""
    return HeldRights(*combine(list(grants_of(user=user_id))))


def describe(principal: Principal, *, language: str) -> dict[str, Any]:
    """The answer of `/api/v1/me/` for a signed-in caller (api.me_serializers.MeSerializer).

    No query for who holds roles for the whole library alone, one each for who holds some at branches or collections,
    and for a person what the functions of ME_EXTENSIONS ask.
    """
    branches = _codes(all_branches(), principal.branch_permissions, principal.grants, "branch")
    collections = _codes(all_collections(), principal.collection_permissions, principal.grants, "collection")
    answer = {
        "id": str(principal.user_id) if principal.is_person else None,
        "email": principal.email,
        "name": principal.name,
        "language": language,
        "roles": [_held(principal, grant, branches, collections) for grant in principal.grants],
        "permissions": sorted(principal.permissions),
        "branch_permissions": _by_code(principal.branch_permissions, branches),
        "collection_permissions": _by_code(principal.collection_permissions, collections),
        "kind": principal.kind,
        "label": principal.label,
        "patron": None,
    }
    if principal.user_id is not None:
        for path in settings.ME_EXTENSIONS:
            answer |= cast("Callable[[int], dict[str, Any]]", import_string(path))(principal.user_id)
    return answer


def _codes(
    rows: QuerySet[Any], held: Mapping[int, Any], grants: Iterable[Mapping[str, Any]], scope: str
) -> dict[int, str]:
    """Codes of the branches or collections that the caller's rights name."""
    ids = {*held, *(grant[scope] for grant in grants if grant[scope] is not None)}
    return dict(rows.filter(pk__in=ids).values_list("pk", "code")) if ids else {}


def _held(
    principal: Principal,
    grant: Mapping[str, Any],
    branches: Mapping[int, str],
    collections: Mapping[int, str],
) -> dict[str, Any]:
    """One assignment, with those of its permissions that the caller has at present."""
    branch, collection = grant["branch"], grant["collection"]
    return {
        "assignment": str(grant["id"]),
        "role": grant["role"],
        "branch": branches.get(branch),
        "collection": collections.get(collection),
        "permissions": [
            name
            for name in sorted(permissions_of(cast("Grant", grant)))
            if principal.may(name, branch_id=branch, collection_id=collection)
        ],
    }


def _by_code(held: Mapping[int, frozenset[str]], codes: Mapping[int, str]) -> dict[str, list[str]]:
    return {codes[scope]: sorted(names) for scope, names in held.items() if scope in codes}


def grants_of(**holder: Any) -> QuerySet[RoleAssignment, Any]:
    """Each assignment of `user=`, or of `user=None, service_account=`, as a rules.Grant; ids or an OuterRef."""
    grant = JSONObject(
        id=F("id"),
        role=F("role__code"),
        edited=F("role__edited"),
        permissions=F("role__permissions"),
        branch=F("branch_id"),
        collection=F("collection_id"),
    )
    return RoleAssignment.objects.filter(**holder).order_by("id").values_list(grant, flat=True)


def _rights() -> dict[str, Any]:
    """What `_principal` reads of a user, as annotations: grants, and what decides about a second factor."""
    return {
        "_grants": ArraySubquery(grants_of(user=OuterRef("pk"))),
        "_has_factor": Exists(accounts.factors_of(OuterRef("pk"))),
        "_admins_need_mfa": preferences.stored(ADMINS_NEED_MFA),
    }


def _principal(user: Any) -> Principal:
    grants: list[Grant] = user._grants
    rights = combine(grants)
    principal = Principal(
        user_id=user.pk,
        email=user.email,
        name=user.name,
        roles=tuple(dict.fromkeys(grant["role"] for grant in grants)),
        permissions=rights.everywhere if grants else _guest().permissions,
        branch_permissions=rights.by_branch,
        collection_permissions=rights.by_collection,
        grants=grants,
    )
    asked = preferences.or_default(ADMINS_NEED_MFA, user._admins_need_mfa)
    needed = bool(asked) and any(principal.may_anywhere(name) for name in NEED_FACTOR)
    return principal.with_factor(needed=needed, held=user._has_factor)


def _guest() -> Principal:
    """What anybody may do here: the Guest role, if the library lets guests in. One query."""
    found = Role.objects.filter(code=GUEST).annotate(_open=preferences.stored(GUESTS_MAY_SEARCH))
    role: Any = found.first()
    if role is None or not preferences.or_default(GUESTS_MAY_SEARCH, role._open):
        return Principal()
    return Principal(roles=(GUEST,), permissions=role.allows)


# -- single rows that are shared with a person ----------------------------------------------------------------------


def shares(model: type[_Share]) -> QuerySet[_Share]:
    """Whom rows of one kind are shared with: a row each, with the user and what it `allows`."""
    edits = model._default_manager.filter(
        content_object=OuterRef("content_object"),
        user=OuterRef("user"),
        permission__codename=share_codename(model, EDIT),
    )
    allows = Case(When(Exists(edits), then=Value(EDIT)), default=Value(VIEW))
    seen = model._default_manager.filter(permission__codename=share_codename(model, VIEW))
    found: QuerySet[_Share] = seen.select_related("user").annotate(allows=allows)
    return found


def shared_with(model: type[_Share], principal: Principal) -> QuerySet[_Share, Any]:
    """Ids of the rows of one kind that are shared with the caller, for `pk__in`; nothing for machines and guests."""
    if not principal.may_have_shares:
        return model._default_manager.none().values_list("content_object", flat=True)
    return model._default_manager.filter(user=principal.user_id).values_list("content_object", flat=True)


def may_edit_shared(model: type[_Share], principal: Principal, row_id: int) -> bool:
    """Whether this row is shared with the caller to be edited; one query for a person, none for anybody else."""
    if not principal.may_have_shares:
        return False
    mine = model._default_manager.filter(user=principal.user_id, content_object=row_id)
    return mine.filter(permission__codename=share_codename(model, EDIT)).exists()
