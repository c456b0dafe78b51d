"""Visits of platform staff, as far as the library may know of them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from tenant_apps.visits.rules import ACCESSES


class Visit(models.Model):
    """One visit, under the id that the platform has for it. The token is stored as a keyed digest alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    staff_name = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    access = models.CharField(max_length=10)
    token_digest = models.CharField(max_length=64, unique=True)
    started_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # Null while it goes on, and where it simply expired.
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(access__in=ACCESSES), name="visits_visit_access"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("started_at")), name="visits_visit_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.access} until {self.expires_at:%Y-%m-%d %H:%M}"
