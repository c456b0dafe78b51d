"""Sign-ups that wait for their mailed link."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class SignUpStatus(models.TextChoices):
    """A sign-up is pending until its link is used, or it expires."""

    PENDING = "pending_verification", _("waiting for verification")
    VERIFIED = "verified", _("verified")
    EXPIRED = "expired", _("expired")


class SignUp(models.Model):
    """A request for a library.

    The password is hashed at once, and the hash forgotten as soon as the library has it. The mailed token is
    stored as a SHA-256 digest alone; with the nonce and the secret key it can be computed again (tokens.py).
    Names and address are emptied 30 days after the request.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    library_name = models.CharField(max_length=200, blank=True)
    subdomain = models.CharField(max_length=63, db_index=True)
    admin_name = models.CharField(max_length=200, blank=True)
    admin_email = models.EmailField(max_length=254, blank=True)
    password_hash = models.CharField(max_length=200, blank=True)
    plan = models.CharField(max_length=40)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=10)
    time_zone = models.CharField(max_length=64)
    status = models.CharField(max_length=30, choices=SignUpStatus.choices, default=SignUpStatus.PENDING)
    token_nonce = models.CharField(max_length=32)
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_index=True)
    expires_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)
    # A plain id, not a foreign key: the sign-up outlives the library, and is erased on its own schedule.
    library_id = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(status__in=SignUpStatus.values), name="signup_status"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["expires_at"],
                name="signup_pending_until",
                condition=models.Q(status=SignUpStatus.PENDING),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subdomain} ({self.status})"
