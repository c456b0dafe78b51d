"""Writing what billing knows. Runs in the public schema."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from billing import gateway
from billing.models import StripeEvent
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_public
from shared_apps.audit.services import record


def receive_webhook(*, payload: bytes, signature: str, now: datetime) -> bool:
    """Store a signed event once; whether it was new. A repeated delivery changes nothing.

    Two deliveries at once store one row: the database's unique event id decides. Raises InvalidSignature or
    InvalidEvent (billing.errors); then nothing is stored.
    """
    event = gateway.construct_event(payload, signature, settings.STRIPE_WEBHOOK_SECRETS)
    with in_public(), transaction.atomic():
        row, is_new = StripeEvent.objects.get_or_create(
            event_id=event.event_id,
            defaults={
                "kind": event.kind,
                "api_version": event.api_version,
                "livemode": event.livemode,
                "payload": event.payload,
                "created_at": event.created_at,
                "received_at": now,
            },
        )
        if is_new:
            changes = {"event_id": event.event_id, "kind": event.kind, "livemode": event.livemode}
            record(action="stripe_event.received", target=row, by=SYSTEM, changes=changes, now=now)
    return is_new
