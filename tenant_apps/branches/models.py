"""Places where a library lends."""

from __future__ import annotations

from django.db import models

from saas.core.fields import Versioned


class Branch(Versioned):
    """A place with a desk. Loans made here are due by its own clock."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.code
