"""The same event delivered twice at the same moment."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from billing.models import StripeEvent

SECRET = "whsec_tests_only"
BODY = json.dumps(
    {"id": "evt_race", "object": "event", "type": "invoice.paid", "created": 1_795_000_000, "livemode": False}
).encode()


@pytest.fixture
def committed_events(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Really commits; the event and its log entries are deleted afterwards."""
    from shared_apps.audit.models import AuditEntry

    with django_db_blocker.unblock():
        yield
        StripeEvent.objects.filter(event_id="evt_race").delete()
        AuditEntry.objects.filter(action="stripe_event.received").delete()
        connection.close()


def test_deliveries_at_once_store_one_row_and_are_all_acknowledged(committed_events: None) -> None:
    from shared_apps.audit.models import AuditEntry

    start = threading.Barrier(6)
    answers: list[int] = []

    def deliver() -> None:
        moment = int(time.time())
        mac = hmac.new(SECRET.encode(), f"{moment}.".encode() + BODY, hashlib.sha256).hexdigest()
        client = Client(HTTP_HOST="localhost")
        start.wait(10)
        try:
            answer = client.post(
                "/billing/stripe/webhook/",
                BODY,
                content_type="application/json",
                HTTP_STRIPE_SIGNATURE=f"t={moment},v1={mac}",
            )
            answers.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [200] * 6
    assert StripeEvent.objects.filter(event_id="evt_race").count() == 1
    assert AuditEntry.objects.filter(action="stripe_event.received").count() == 1
