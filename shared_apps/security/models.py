"""What the people who answer for a site should see of attacks on it."""

from __future__ import annotations

from django.db import models


class SecurityEvent(models.Model):
    """One event, or, with a `bucket`, all events of an hour that came after the limit: `count` of them.

    `user_id` is the account that it is about. Kept for rules.KEEP and for nobody else than who may read the audit log.
    """

    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=40)
    user_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=20)
    actor_user_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    facts = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField()
    bucket = models.CharField(max_length=120, null=True, unique=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
