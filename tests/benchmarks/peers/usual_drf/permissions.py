"""Roles, asked of the database when a view needs to know, as DjangoModelPermissions does with groups."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenant_apps.access.models import RoleAssignment
from tenant_apps.branches.models import Branch

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


def has_permission(user: Any, permission: str, branch: Branch | None = None) -> bool:
    """Whether one of the user's roles grants the permission: anywhere, or at this branch."""
    grants = Q(role__code="admin") | Q(role__permissions__contains=[permission])
    assignments = RoleAssignment.objects.filter(grants, user=user)
    if branch is not None:
        assignments = assignments.filter(Q(branch=None) | Q(branch=branch))
    return assignments.exists()


class RolePermission(BasePermission):
    """The view's `required_permission`, from the caller's roles; None lets every signed-in user in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Let through who holds the permission."""
        if not request.user.is_authenticated:
            return False
        required = view.required_permission
        return required is None or has_permission(request.user, required)
