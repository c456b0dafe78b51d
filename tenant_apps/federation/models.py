"""Identity providers that a library trusts, and whom of its people they know."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from saas.core.fields import Versioned


class IdentityProvider(Versioned):
    """Another site whose word the library takes for who somebody is. The secret is encrypted (services.secrets)."""

    class Kind(models.TextChoices):
        """How a provider is spoken to; of Google and GitHub the addresses are known."""

        GOOGLE = "google", "Google"
        GITHUB = "github", "GitHub"
        OIDC = "oidc", "OpenID Connect"

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Empty for the kinds whose issuer is known (rules.issuer_of).
    issuer = models.CharField(max_length=500, blank=True)
    client_id = models.CharField(max_length=255)
    client_secret = models.TextField()
    # Who is new here must have an address of one of these; none: any.
    email_domains = ArrayField(models.CharField(max_length=253), default=list)
    enabled = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.code


class LinkedIdentity(models.Model):
    """What a provider calls one of the library's people. Issuer and subject are the person; an address never is."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="linked_identities"
    )
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="federation_identity_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.issuer}"
