"""Reading branches, and who may do something at which. `Branch` is here for annotations of other apps."""

from __future__ import annotations

from django.db.models import QuerySet

from saas.core.errors import PermissionDenied
from saas.core.principals import Principal
from tenant_apps.branches.models import Branch

__all__ = ["Branch", "all_branches", "require_at_branch"]


def all_branches() -> QuerySet[Branch]:
    """Every branch of the current library; anybody who may see the catalogue may see them."""
    return Branch.objects.all()


def require_at_branch(principal: Principal, permission: str, branch_id: int | None) -> None:
    """Raise PermissionDenied unless the caller holds the permission for this branch or for the whole library.

    None asks for the whole library. The route's own check lets in whoever holds the permission at any branch
    (saas.core.api.permissions), so every write that names a branch asks here.
    """
    if not principal.may(permission, branch_id=branch_id):
        raise PermissionDenied
