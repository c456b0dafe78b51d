"""Reading roles, who holds them, and single rows that are shared."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from saas.core.api.fields import utc_text
from saas.core.principals import Principal
from saas.core.reads import EVERYTHING, Among, BindAny, Scope, Scoped
from saas.core.security_events import Contact
from shared_apps.accounts import selectors as accounts
from tenant_apps.access.callers import held_by, load_caller, load_principal, meaning_of
from tenant_apps.access.description import describe
from tenant_apps.access.models import Role, RoleAssignment, Share, share_codename
from tenant_apps.access.rules import ADMIN, EDIT, PERMISSIONS, SHARED, VIEW
from tenant_apps.keys.selectors import Rights as HeldRights

__all__ = [
    "MANAGE",
    "SHARE_PERMISSIONS",
    "admin_contacts",
    "admins",
    "describe",
    "export_of_account",
    "load_caller",
    "load_principal",
    "managed_scope",
    "may_edit_shared",
    "permission_names",
    "rights_of_user",
    "role_assignments",
    "role_assignments_managed_by",
    "roles",
    "roles_held_by",
    "shared_with",
    "shares",
]
MANAGE = "roles.manage"
SHARE_PERMISSIONS = tuple(SHARED)
_Share = TypeVar("_Share", bound=Share)


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


def role_assignments() -> QuerySet[RoleAssignment]:
    """Who holds which role where, with everything that an assignment names."""
    return RoleAssignment.objects.select_related("user", "service_account", "role", "branch", "collection")


_MANAGED: Final = Scope(
    "managed",
    lambda rows: rows.filter(
        Q(Among("branch", BindAny("branches", models.BigIntegerField())))
        | Q(Among("collection", BindAny("collections", models.BigIntegerField())))
    ),
)


def managed_scope(principal: Principal) -> Scoped:
    """The assignments that the caller manages: all, or those at their branches and collections."""
    branches, collections = principal.branches_for(MANAGE), principal.collections_for(MANAGE)
    if branches is None or collections is None:
        return EVERYTHING.with_values()
    return _MANAGED.with_values(branches=branches, collections=collections)


def role_assignments_managed_by(principal: Principal) -> QuerySet[RoleAssignment]:
    """The same as an ordinary query set."""
    branches, collections = principal.branches_for(MANAGE), principal.collections_for(MANAGE)
    if branches is None or collections is None:
        return role_assignments()
    return role_assignments().filter(Q(branch__in=branches) | Q(collection__in=collections))


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
    row = accounts.users().filter(pk=user_id).values_list(held_by(user=OuterRef("pk"))).first()
    return HeldRights(*meaning_of(row[0] if row else None).rights)


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
    rows = shared_rows(model, principal.user_id)
    return rows if principal.may_have_shares else rows.none()


def shared_rows(model: type[_Share], user: Any) -> QuerySet[_Share, Any]:
    """Ids of the rows of one kind that are shared with an account, given by its id or as a Bind."""
    return model._default_manager.filter(user=user).values_list("content_object", flat=True)


def may_edit_shared(model: type[_Share], principal: Principal, row_id: int) -> bool:
    """Whether this row is shared with the caller to be edited; one query for a person, none for anybody else."""
    if not principal.may_have_shares:
        return False
    mine = model._default_manager.filter(user=principal.user_id, content_object=row_id)
    return mine.filter(permission__codename=share_codename(model, EDIT)).exists()
