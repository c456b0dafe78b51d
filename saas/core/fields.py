"""Model building blocks that every app shares."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.db.models.expressions import CombinedExpression


class Versioned(models.Model):
    """A row with a version for strong ETags and `If-Match`; every service that changes the row calls `bump`."""

    version = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    def bump(self) -> None:
        """Count the version up in Python; the caller holds the row's lock, so no update is lost."""
        self.version += 1


def next_version() -> CombinedExpression:
    """For `queryset.update(version=next_version())`."""
    return F("version") + 1
