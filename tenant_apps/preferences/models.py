"""The library's settings, as values of the registry in `rules`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from saas.core.fields import Versioned


class LibraryPreferences(Versioned):
    """The one row of settings of a library.

    Only values that differ from the registry's defaults are stored.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    values = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="preferences_one_row"),
        ]

    def __str__(self) -> str:
        return "library preferences"
