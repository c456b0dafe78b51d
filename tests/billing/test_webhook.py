"""POST /billing/stripe/webhook/: stored once, acknowledged always, nothing stored without a good signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from django.test import Client

from billing.models import StripeEvent
from shared_apps.audit.models import AuditEntry

URL = "/billing/stripe/webhook/"
SECRET = "whsec_tests_only"


def event(identifier: str = "evt_1", **changes: Any) -> bytes:
    values = {
        "id": identifier,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_795_000_000,
        "livemode": True,
        "type": "invoice.paid",
        "data": {"object": {"id": "in_1"}},
    }
    return json.dumps({**values, **changes}).encode()


def header(body: bytes, secret: str = SECRET, age: int = 0) -> str:
    moment = int(time.time()) - age
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def post(body: bytes, signature: str | None = None, **extra: Any) -> Any:
    """Send a webhook as Stripe does: no cookie, no CSRF token, raw bytes."""
    client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    if signature is not None:
        extra["HTTP_STRIPE_SIGNATURE"] = signature
    return client.post(URL, body, content_type="application/json", **extra)


@pytest.mark.django_db
def test_a_signed_event_is_stored_as_it_came() -> None:
    body = event()
    answer = post(body, header(body))
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    row = StripeEvent.objects.get()
    assert (row.event_id, row.kind, row.livemode) == ("evt_1", "invoice.paid", True)
    assert row.payload == json.loads(body)
    assert row.processed_at is None
    entry = AuditEntry.objects.get(action="stripe_event.received")
    assert (entry.target_id, entry.actor_kind) == (str(row.pk), "system")


@pytest.mark.django_db
def test_the_same_event_again_is_acknowledged_and_changes_nothing() -> None:
    body = event()
    assert post(body, header(body)).status_code == 200
    before = StripeEvent.objects.values().get()
    for _ in range(3):
        answer = post(body, header(body))
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert StripeEvent.objects.values().get() == before
    assert AuditEntry.objects.filter(action="stripe_event.received").count() == 1


@pytest.mark.django_db
def test_the_first_delivery_of_an_id_counts() -> None:
    first, second = event(), event(type="invoice.voided")
    assert post(first, header(first)).status_code == 200
    assert post(second, header(second)).status_code == 200
    assert StripeEvent.objects.get().kind == "invoice.paid"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "t=1,v1=abc",
        header(event(), "whsec_other"),
        header(event(), age=400),
        header(event("evt_2")),
    ],
    ids=["none", "empty", "malformed", "of another secret", "too old", "of another body"],
)
def test_without_a_good_signature_nothing_is_stored(signature: str | None) -> None:
    answer = post(event(), signature)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_signature"
    assert not StripeEvent.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_a_site_without_a_secret_takes_nothing(settings: Any, secrets: list[str]) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = secrets
    body = event()
    for secret in {"", *secrets, SECRET}:
        assert post(body, header(body, secret)).json()["code"] == "invalid_signature"
    assert not StripeEvent.objects.exists()


@pytest.mark.django_db
def test_a_secret_that_is_being_rotated_out_still_counts(settings: Any) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", SECRET]
    body = event()
    assert post(body, header(body)).status_code == 200
    other = event("evt_2")
    assert post(other, header(other, "whsec_new")).status_code == 200
    assert StripeEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_body_above_256_kib_is_not_even_read() -> None:
    fits = event(padding="x" * (256 * 1024 - 500))
    assert len(fits) <= 256 * 1024
    assert post(fits, header(fits)).status_code == 200
    large = event("evt_2", padding="x" * 256 * 1024)
    answer = post(large, header(large))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert StripeEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_signed_body_that_is_no_event() -> None:
    body = b'{"object": "charge"}'
    answer = post(body, header(body))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_event")
    assert not StripeEvent.objects.exists()


@pytest.mark.django_db
def test_other_methods_are_refused() -> None:
    for method in ("get", "put", "delete", "patch"):
        answer = getattr(Client(HTTP_HOST="localhost"), method)(URL)
        assert answer.status_code == 405
        assert answer["Allow"] == "POST"


@pytest.mark.django_db
def test_the_webhook_is_not_on_a_library_site(north: Any) -> None:
    body = event()
    client = Client(HTTP_HOST=f"{north.subdomain}.localhost")
    answer = client.post(URL, body, content_type="application/json", HTTP_STRIPE_SIGNATURE=header(body))
    assert answer.status_code == 404
    assert not StripeEvent.objects.exists()


class _Broken:
    """A body whose sender goes away in the middle."""

    def read(self, *_: Any) -> bytes:
        raise OSError("connection reset")

    readline = read


@pytest.mark.django_db
def test_a_body_that_breaks_off_is_refused() -> None:
    client = Client(HTTP_HOST="localhost")
    answer = client.generic("POST", URL, b"x", content_type="application/json", **{"wsgi.input": _Broken()})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert not StripeEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("announced", ["", "abc", "-1", "²"])
def test_a_length_that_is_no_number_lets_nothing_through(announced: str) -> None:
    body = event()
    answer = post(body, header(body), CONTENT_LENGTH=announced)
    assert answer.status_code == 400
    assert not StripeEvent.objects.exists()
