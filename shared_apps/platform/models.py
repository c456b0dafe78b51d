"""Staff's roles, their visits of libraries, and libraries that they asked to delete; public schema."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from shared_apps.platform import rules
from shared_apps.tenants.models import Library

# DO_NOTHING towards users: they are in libraries too, where these tables are not, and to delete one there must not look
# into them. Here the database itself keeps whoever is named.


class StaffRole(models.Model):
    """Gives one of the fixed roles (rules.ROLES) to a user of the public site."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="staff_roles"
    )
    role = models.CharField(max_length=20)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role"], name="platform_staff_role_once"),
            models.CheckConstraint(condition=Q(role__in=tuple(rules.ROLES)), name="platform_staff_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Visit(models.Model):
    """A visit of a library, under the id that the library has for it too. The token is the library's affair."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library = models.ForeignKey(Library, on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    reason = models.CharField(max_length=500)
    access = models.CharField(max_length=10)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=10, blank=True)

    def __str__(self) -> str:
        return f"{self.staff_id} in {self.library_id}"


class DeletionRequest(models.Model):
    """A wish to delete a closed library for good, which takes a second person to come true."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library = models.ForeignKey(Library, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=10, default=rules.PENDING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+")
    requested_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["library"], condition=Q(state=rules.PENDING), name="platform_deletion_one_pending"
            ),
            # Whoever approves is somebody, and somebody else.
            models.CheckConstraint(
                condition=~Q(state=rules.APPROVED)
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("requested_by"))),
                name="platform_deletion_four_eyes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.library_id} {self.state}"
