"""Who changed what: written by services in the transaction of the change, never by signals or triggers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class AuditEntry(models.Model):
    """One change of state. Append-only. Holds ids, codes and amounts; personal values stand in AuditPersonalValues."""

    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=80)
    target_type = models.CharField(max_length=80, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    actor_kind = models.CharField(max_length=20)
    actor_user_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200, blank=True)
    # As long as the longest id that a client may send (saas.core.logging).
    request_id = models.CharField(max_length=128, blank=True)
    changes = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["target_type", "target_id", "id"], name="audit_entry_target"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"


class AuditPersonalValues(models.Model):
    """Personal values of an entry (names, addresses), apart, so that erasing a person leaves the log whole."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.CASCADE, primary_key=True, related_name="personal"
    )
    values = models.JSONField()

    def __str__(self) -> str:
        return f"personal values of entry {self.entry_id}"
