"""Signatures of Stripe, made here as Stripe makes them: HMAC-SHA256 of "timestamp.body"."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from billing import gateway
from billing.errors import GatewayNotConfigured, InvalidEvent, InvalidSignature

SECRET = "whsec_one"
OTHER = "whsec_two"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "api_version": "2026-10-28.endive",
    "created": 1_795_000_000,
    "livemode": False,
    "type": "invoice.paid",
    "data": {"object": {"id": "in_1", "amount_paid": 3900, "currency": "eur"}},
}


def signed(body: bytes, secret: str = SECRET, *, age: int = 0) -> str:
    """The header that Stripe would send, `age` seconds ago."""
    moment = int(time.time()) - age
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={mac.hexdigest()}"


def body_of(**changes: Any) -> bytes:
    """An event as bytes."""
    return json.dumps({**EVENT, **changes}).encode()


def test_a_signed_event_is_read() -> None:
    body = body_of()
    event = gateway.construct_event(body, signed(body), [SECRET])
    assert event.event_id == "evt_1"
    assert event.kind == "invoice.paid"
    assert event.api_version == "2026-10-28.endive"
    assert event.livemode is False
    assert event.created_at == dt.datetime.fromtimestamp(1_795_000_000, dt.UTC)
    assert event.payload == EVENT


def test_each_secret_is_tried_while_one_is_rotated() -> None:
    body = body_of()
    for secret in (SECRET, OTHER):
        assert gateway.construct_event(body, signed(body, secret), [SECRET, OTHER]).event_id == "evt_1"


def test_one_good_signature_among_several_is_enough() -> None:
    body = body_of()
    header = signed(body).replace(",v1=", f",v1={'0' * 64},v0=abc,v1=")
    assert gateway.construct_event(body, header, [SECRET]).event_id == "evt_1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=,v1=",
        "t=1",
        "v1=abc",
        "t=x,v1=abc",
        f"t={'9' * 5000},v1=a",
        "t=1,v1=\xe9",
        "=" * 5000,
    ],
)
def test_headers_that_are_no_signature(header: str) -> None:
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body_of(), header, [SECRET])


def test_the_signature_of_another_secret() -> None:
    body = body_of()
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body, signed(body, OTHER), [SECRET])


def test_a_body_changed_by_one_byte() -> None:
    header = signed(body_of())
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body_of() + b" ", header, [SECRET])


def test_an_old_signature_is_refused_and_one_just_in_time_is_not() -> None:
    body = body_of()
    assert gateway.construct_event(body, signed(body, age=290), [SECRET]).event_id == "evt_1"
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body, signed(body, age=310), [SECRET])


@pytest.mark.parametrize("secrets", [[], [""], ["   "], ["", "\t"]])
def test_an_empty_secret_verifies_nothing_not_even_its_own_signature(secrets: list[str]) -> None:
    body = body_of()
    for secret in ("", *secrets):
        with pytest.raises(InvalidSignature):
            gateway.construct_event(body, signed(body, secret), secrets)


def test_an_empty_secret_beside_a_good_one_does_not_open_the_door() -> None:
    body = body_of()
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body, signed(body, ""), ["", SECRET])
    assert gateway.construct_event(body, signed(body), ["", SECRET]).event_id == "evt_1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"object": "event"}',
        b'{"id": "evt_1", "id": "evt_2", "object": "event", "type": "a", "created": 1}',
        body_of(object="charge"),
        body_of(id=""),
        body_of(id="e" * 256),
        body_of(id=7),
        body_of(type=None),
        body_of(created="yesterday"),
        body_of(created=True),
        body_of(created=10**15),
        body_of(created=-1),
        body_of(data={"text": "\x00"}),
        body_of(data={"text": "\ud800"}),
    ],
)
def test_signed_bodies_that_are_no_event(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        gateway.construct_event(body, signed(body), [SECRET])


def test_bytes_that_are_not_text_have_no_signature() -> None:
    body = b"\xff\xfe"
    with pytest.raises(InvalidSignature):
        gateway.construct_event(body, signed(body), [SECRET])


def test_the_client_waits_a_bounded_time_and_can_be_pointed_at_a_fake(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_tests_only"
    client = gateway.client(base_addresses={"api": "http://127.0.0.1:9"})
    options = client._requestor._options
    assert options.base_addresses["api"] == "http://127.0.0.1:9"
    assert options.max_network_retries == 2
    assert client._requestor._client._timeout == (5.0, 20.0)


def test_without_a_key_there_is_no_client(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(GatewayNotConfigured):
        gateway.client()


def test_nothing_but_the_gateway_imports_stripe() -> None:
    root = Path(__file__).resolve().parents[2]
    found = subprocess.run(
        [
            "grep",
            "-rlE",
            r"^\s*(import|from) stripe\b",
            "--include=*.py",
            "saas",
            "shared_apps",
            "tenant_apps",
            "billing",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.split() == ["billing/gateway.py"]
