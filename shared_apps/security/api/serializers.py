"""Security events in JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.fields import utc_text
from saas.core.security_events import Kind
from shared_apps.security.models import SecurityEvent

_EXAMPLE = {
    "id": "41",
    "at": "2026-11-20T09:30:00Z",
    "last_at": "2026-11-20T09:30:00Z",
    "kind": "sign_in_refused",
    "count": 1,
    "user": "7",
    "actor": {"kind": "anonymous", "id": None, "label": "anonymous"},
    "address": "192.0.2.7",
    "request_id": "9fe5106a",
    "facts": {"reason": "invalid_credentials"},
}


class EventActorSerializer(serializers.Serializer[Any]):
    """Who acted. `id` is a user's; a key and a visitor have none here and are named by `label`."""

    kind = serializers.CharField()
    id = serializers.CharField(allow_null=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]


@extend_schema_serializer(examples=[OpenApiExample("A failed sign-in", _EXAMPLE, response_only=True)])
class SecurityEventSerializer(serializers.Serializer[Any]):
    """One event, or all those of an hour that came after the limit of rows; documentation of `represent`."""

    id = serializers.CharField()
    at = serializers.DateTimeField(help_text="When it happened; of several, the first.")
    last_at = serializers.DateTimeField(help_text="Of several, the last.")
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    count = serializers.IntegerField()
    user = serializers.CharField(allow_null=True, help_text="Id of the account that it is about.")
    actor = EventActorSerializer()
    address = serializers.CharField(
        allow_null=True,
        help_text="Where it came from, of IPv6 the network of 64 bits; null where nobody knows, or you may not see it.",
    )
    request_id = serializers.CharField(allow_blank=True)
    facts = serializers.JSONField(help_text="What else is known, by the kind of event.")


def represent(event: SecurityEvent, *, with_personal: bool) -> dict[str, Any]:
    """An event as it is answered, its address for who may see personal values."""
    address = event.address.removeprefix("address:") if with_personal else ""
    return {
        "id": str(event.pk),
        "at": utc_text(event.at),
        "last_at": utc_text(event.last_at),
        "kind": event.kind,
        "count": event.count,
        "user": _id(event.user_id),
        "actor": {"kind": event.actor_kind, "id": _id(event.actor_user_id), "label": event.actor_label},
        "address": address or None,
        "request_id": event.request_id,
        "facts": event.facts,
    }


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
