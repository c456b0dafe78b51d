"""Stripe: the one module that imports its library. What is above speaks of events, not of stripe objects.

Amounts cross this line in minor units (cents), moments as aware datetimes in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from billing.errors import GatewayNotConfigured, InvalidEvent, InvalidSignature
from saas.core.json import MalformedJSONError, parse_json

# (The library is imported where it is used: 11 MB that most web processes never need.)
if TYPE_CHECKING:
    from stripe import StripeClient

TOLERANCE_SECONDS = 300
_TIMEOUT = (5.0, 20.0)
_RETRIES = 2
_MAX_ID = 255
_LAST_SECOND = 253_402_300_799  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """One event, verified. `payload` is the whole event as Stripe sent it; `created_at` is in UTC."""

    event_id: str
    kind: str
    api_version: str
    livemode: bool
    created_at: dt.datetime
    payload: dict[str, Any]


def construct_event(payload: bytes, signature: str, secrets: Iterable[str]) -> GatewayEvent:
    """Verify and read the body of a webhook.

    `signature` is the Stripe-Signature header; it must fit one of `secrets` (several while one is rotated)
    and be at most 300 seconds old. An empty secret is never tried: anybody can sign with it. Raises
    InvalidSignature, and InvalidEvent for a signed body that is no event.
    """
    usable = [secret for secret in secrets if secret.strip()]
    if not any(_is_signed(payload, signature, secret) for secret in usable):
        raise InvalidSignature
    try:
        return _event(parse_json(payload))
    except MalformedJSONError as error:
        raise InvalidEvent from error


def client(*, base_addresses: dict[str, str] | None = None) -> StripeClient:
    """A Stripe client: waits 5 s for a connection and 20 s for an answer, tries twice more on network errors.

    `base_addresses` points it elsewhere, such as at a fake: `{"api": "http://..."}`. Raises
    GatewayNotConfigured.
    """
    if not settings.STRIPE_SECRET_KEY:
        raise GatewayNotConfigured("STRIPE_SECRET_KEY is not set")
    import stripe

    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        base_addresses=base_addresses,  # type: ignore[arg-type]
        max_network_retries=_RETRIES,
        http_client=stripe.RequestsClient(timeout=_TIMEOUT),
    )


def _is_signed(payload: bytes, signature: str, secret: str) -> bool:
    # stripe decodes the body and compares the signature as text: other bytes would raise from deep inside.
    if not signature.isascii():
        return False
    from stripe import SignatureVerificationError, WebhookSignature

    try:
        return bool(
            WebhookSignature.verify_header(payload.decode("utf-8"), signature, secret, TOLERANCE_SECONDS)
        )
    except (SignatureVerificationError, UnicodeDecodeError):
        return False


def _event(raw: Any) -> GatewayEvent:
    if not isinstance(raw, dict) or raw.get("object") != "event":
        raise InvalidEvent
    event_id, kind, created = raw.get("id"), raw.get("type"), raw.get("created")
    if not (_is_name(event_id, _MAX_ID) and _is_name(kind, 120)):
        raise InvalidEvent
    if not isinstance(created, int) or isinstance(created, bool) or not 0 <= created <= _LAST_SECOND:
        raise InvalidEvent
    return GatewayEvent(
        event_id=str(event_id),
        kind=str(kind),
        api_version=str(raw.get("api_version") or "")[:60],
        livemode=raw.get("livemode") is True,
        created_at=dt.datetime.fromtimestamp(created, dt.UTC),
        payload=raw,
    )


def _is_name(value: object, longest: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= longest
