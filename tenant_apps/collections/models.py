"""Parts of the stock that have keepers of their own: children's books, music, the local archive."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from saas.core.fields import Versioned
from saas.core.permission_names import MODEL_PERMISSIONS


class Collection(Versioned):
    """A named part of the stock. A title is in one or in none; its copies go with it."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)

    class Meta:
        permissions: ClassVar = MODEL_PERMISSIONS

    def __str__(self) -> str:
        return self.code
