"""Who may give what, and that a library keeps an admin. Locks are taken in this order: Admin, another role, others."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from saas.core.principals import Principal
from tenant_apps.access.errors import CannotGrant, LastAdmin
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import ADMIN, held_at

MANAGE = "roles.manage"


def require_may_grant(
    granter: Principal | None,
    permissions: Iterable[str],
    *,
    branch_id: int | None = None,
    collection_id: int | None = None,
) -> None:
    """Raise CannotGrant unless the granter may manage roles in this scope and holds there all that is given.

    None is the system itself. Without this, whoever may manage roles could make themselves admin. A role's permissions
    that cannot be held in the scope are not given there and not asked for.
    """
    if granter is None:
        return
    given = held_at(
        frozenset(permissions), branch=branch_id is not None, collection=collection_id is not None
    )
    for permission in given | {MANAGE}:
        if not granter.may(permission, branch_id=branch_id, collection_id=collection_id):
            raise CannotGrant


def require_not_last_admin(user_id: int) -> None:
    """Raise LastAdmin where nobody active but this user is admin of the whole library.

    Call it in the transaction that deactivates, erases or demotes them, before anything else is locked: until it ends,
    everybody who changes admins waits, so that two admins cannot remove each other at once.
    """
    lock_admins()
    if set(active_admins().values_list("user", flat=True)[:2]) == {user_id}:
        raise LastAdmin


def lock_admins() -> None:
    """Hold the role Admin until the transaction ends."""
    Role.objects.select_for_update(no_key=True).filter(code=ADMIN).first()


def active_admins() -> QuerySet[RoleAssignment]:
    """The assignments that make people who can sign in admins of the whole library; machines do not count."""
    return RoleAssignment.objects.filter(role__code=ADMIN, branch=None, collection=None, user__is_active=True)
