"""Invitations to work in a library; members themselves are accounts with roles, which other apps keep."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from tenant_apps.access.models import Role
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection


class Invitation(models.Model):
    """A role on its way to somebody's mailbox, for a branch, for a collection, or (neither) for the whole library.

    The mailed token is stored as a digest alone; with the nonce and a key of the library it can be computed again
    (rules.token_for). Whoever invited must still be there, and may still give the role, when it is accepted.
    """

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="+", db_index=False)
    branch = models.ForeignKey(Branch, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    token_nonce = models.CharField(max_length=32)
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(branch__isnull=True) | models.Q(collection__isnull=True),
                name="members_invitation_one_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"
