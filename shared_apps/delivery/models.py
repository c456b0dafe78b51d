"""What must happen exactly once, or at least once: stored answers to repeated requests, and the outbox."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class IdempotentAnswer(models.Model):
    """The answer to a request that carried an Idempotency-Key, kept 24 hours, for one caller (api.md)."""

    caller = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    state = models.CharField(
        max_length=10,
        choices=[("running", "running"), ("done", "done")],
        default="running",
    )
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["caller", "key"], name="delivery_answer_caller_key"),
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class OutboxMessage(models.Model):
    """Work that leaves a transaction only with its commit; delivered one or more times, oldest first.

    The payload only identifies rows; handlers read them again.
    """

    kind = models.CharField(max_length=80)
    payload = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=200, null=True, unique=True)
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    parked_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["available_at", "id"],
                name="delivery_outbox_due",
                condition=models.Q(delivered_at=None, parked_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
