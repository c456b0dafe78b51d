"""The webhook inbox: each Stripe event is stored once, before anything is done with it."""

from __future__ import annotations

from django.db import models


class StripeEvent(models.Model):
    """One event as Stripe sent it, unique by its id: a repeated delivery changes nothing."""

    event_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=120)
    api_version = models.CharField(max_length=60, blank=True)
    livemode = models.BooleanField()
    payload = models.JSONField()
    created_at = models.DateTimeField()
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
