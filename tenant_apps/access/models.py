"""Who may do what inside one library."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from saas.core.fields import Versioned
from tenant_apps.branches.models import Branch


class Role(Versioned):
    """A named set of permissions. The standard four are made with the library and may be edited there."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    permissions = ArrayField(models.CharField(max_length=60), default=list)

    def __str__(self) -> str:
        return self.code


class RoleAssignment(models.Model):
    """Gives a role to a user, for the whole library (no branch) or for one branch."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_assignments"
    )
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "role", "branch"], nulls_distinct=False, name="access_assignment_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id} {self.branch_id or 'library'}"
