"""Libraries, their own domain names and the subdomains that they gave up, in the public schema."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_tenants.models import TenantMixin

from saas.core.fields import Versioned
from shared_apps.tenants import domain_names


class LibraryStatus(models.TextChoices):
    """Life of a library (tenancy.md, design 9); `rules` has what leads from one to another."""

    PROVISIONING = "provisioning", _("provisioning")
    TRIALING = "trialing", _("trialing")
    ACTIVE = "active", _("active")
    PAST_DUE = "past_due", _("past due")
    RESTRICTED = "restricted", _("restricted")
    SUSPENDED = "suspended", _("suspended")
    CLOSED = "closed", _("closed")
    DELETED = "deleted", _("deleted")


class Library(TenantMixin, Versioned):
    """One library: a subdomain, a plan, a status and a Postgres schema.

    `standing` is what `status` is again once nothing holds the library back; it is written when a hold begins.
    `restricted_at` and `suspended_at` are the holds that are on it, `closed_at` the beginning of its last 30 days.
    With `erasing_since` there is no way back. A deleted library's row stays, without its subdomain.
    """

    auto_create_schema = False
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    subdomain = models.CharField(max_length=63, unique=True)
    status = models.CharField(
        max_length=20, choices=LibraryStatus.choices, default=LibraryStatus.PROVISIONING
    )
    standing = models.CharField(
        max_length=20,
        choices=LibraryStatus.choices,
        default=LibraryStatus.ACTIVE,
        db_default=LibraryStatus.ACTIVE.value,
    )
    plan = models.CharField(max_length=40, default="free")
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    # Of its settings, divided by spaces: needed before the library's schema is read.
    allowed_origins = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    restricted_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    erasing_since = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "libraries"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status__in=LibraryStatus.values), name="tenants_library_status"
            ),
        ]

    def __str__(self) -> str:
        return self.subdomain


class FormerSubdomain(models.Model):
    """A name that a library gave up: until `held_until` it leads to the library, and nobody else may have it."""

    subdomain = models.CharField(max_length=63, unique=True)
    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="former_subdomains")
    held_until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.subdomain)


class Domain(models.Model):
    """A library's own domain name, beside its subdomain. It leads to the library while it is proven.

    Several libraries may claim a name; one at most has proven that it is theirs. `token` stands in the TXT record that
    proves it. `missing_since` is when the record of a proven name was first not found again.
    """

    tenant = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    proven_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    last_problem = models.CharField(max_length=40, blank=True, default="", db_default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "domain"], name="tenants_domain_once"),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(proven_at__isnull=False), name="tenants_domain_proven"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["checked_at"],
                condition=Q(proven_at__isnull=False),
                name="tenants_domain_to_check",
            ),
        ]

    def __str__(self) -> str:
        return str(self.domain)

    @property
    def display_name(self) -> str:
        """The domain as people read it, `münchen.example` for `xn--mnchen-3ya.example`."""
        return domain_names.display(self.domain)

    @property
    def status(self) -> str:
        """pending, proven, or missing: proven, but the record is gone, so that it lapses after the days of grace."""
        if self.proven_at is None:
            return "pending"
        return "missing" if self.missing_since is not None else "proven"
