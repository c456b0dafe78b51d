"""Machines that work in a library, and the keys by which they prove it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from saas.core.fields import Versioned


class ServiceAccount(Versioned):
    """A machine with rights of its own: those of its keys, and those of the roles that are given to it.

    An inactive one is refused with every key.
    """

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code


class ApiKey(models.Model):
    """One key of a service account: its first part, to find it by, and a digest of the whole.

    `branches` are branch ids; null is the whole library, so that nothing which empties a list widens a key.
    """

    service_account = models.ForeignKey(ServiceAccount, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=20, unique=True)
    digest = models.CharField(max_length=64)
    permissions = ArrayField(models.CharField(max_length=60), default=list)
    branches = ArrayField(models.BigIntegerField(), null=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=True)
                | models.Q(expires_at__gte=models.F("created_at")),
                name="keys_expiry_after_creation",
            ),
        ]

    def __str__(self) -> str:
        return self.prefix
