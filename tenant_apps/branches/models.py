"""Places where a library lends."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from saas.core.fields import Versioned
from saas.core.permission_names import MODEL_PERMISSIONS


class Branch(Versioned):
    """A place with a desk. Loans made here are due by its own clock."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64)

    class Meta:
        permissions: ClassVar = MODEL_PERMISSIONS

    def __str__(self) -> str:
        return self.code
