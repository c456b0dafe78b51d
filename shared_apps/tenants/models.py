"""Libraries and their own domain names, in the public schema."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from saas.core.fields import Versioned


class LibraryStatus(models.TextChoices):
    """Life of a library (tenancy.md, design 9)."""

    PROVISIONING = "provisioning", _("provisioning")
    TRIALING = "trialing", _("trialing")
    ACTIVE = "active", _("active")
    PAST_DUE = "past_due", _("past due")
    RESTRICTED = "restricted", _("restricted")
    SUSPENDED = "suspended", _("suspended")
    CLOSED = "closed", _("closed")
    DELETED = "deleted", _("deleted")


class Library(TenantMixin, Versioned):
    """One library: a subdomain, a plan, a status and a Postgres schema."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    subdomain = models.CharField(max_length=63, unique=True)
    status = models.CharField(
        max_length=20, choices=LibraryStatus.choices, default=LibraryStatus.PROVISIONING
    )
    plan = models.CharField(max_length=40, default="free")
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "libraries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(status__in=LibraryStatus.values),
                name="tenants_library_status",
            ),
        ]

    def __str__(self) -> str:
        return self.subdomain


class Domain(DomainMixin):
    """A library's own domain name, beside its subdomain."""

    def __str__(self) -> str:
        return str(self.domain)
