"""People who borrow."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from saas.core.fields import Versioned
from tenant_apps.branches.models import Branch


class PatronCategory(Versioned):
    """What loan rules tell patrons apart by: adult, child, ..."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        verbose_name_plural = "patron categories"

    def __str__(self) -> str:
        return self.code


class Patron(Versioned):
    """A person who may borrow, with or without an account to sign in."""

    name = models.CharField(max_length=200)
    category = models.ForeignKey(PatronCategory, on_delete=models.PROTECT, related_name="patrons")
    home_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254, blank=True)
    birth_date = models.DateField(null=True, blank=True)
    expires_on = models.DateField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="patron"
    )
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["name", "id"], name="patrons_patron_name")]

    def __str__(self) -> str:
        return f"patron {self.pk}"


class Card(models.Model):
    """A library card. A lost one stays on record and is refused."""

    patron = models.ForeignKey(Patron, on_delete=models.CASCADE, related_name="cards")
    number = models.CharField(max_length=64, unique=True)
    lost_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"card {self.pk}"
