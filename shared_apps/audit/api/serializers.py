"""Entries of the log in JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.fields import utc_text
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.selectors import ACTOR_KINDS

_ENTRY = {
    "id": "4711",
    "at": "2026-11-20T09:30:00Z",
    "action": "loan.created",
    "actor": {"kind": "person", "id": "12", "label": ""},
    "target_type": "circulation.loan",
    "target_id": "981",
    "request_id": "5f0c0e9ab6f94d2f8a3f1c1e0c7b1d2a",
    "changes": {"copy": 77},
    "personal": None,
}


class ActorSerializer(serializers.Serializer[Any]):
    """Who did it. `id` is a user's; a key and a visitor have none here and are named by `label`."""

    kind = serializers.ChoiceField(choices=ACTOR_KINDS)
    id = serializers.CharField(allow_null=True)
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]


@extend_schema_serializer(examples=[OpenApiExample("A loan", _ENTRY, response_only=True)])
class AuditEntrySerializer(serializers.Serializer[Any]):
    """An entry; documentation of what `represent` answers."""

    id = serializers.CharField()
    at = serializers.DateTimeField()
    action = serializers.CharField()
    actor = ActorSerializer()
    target_type = serializers.CharField(allow_blank=True)
    target_id = serializers.CharField(allow_blank=True)
    request_id = serializers.CharField(allow_blank=True)
    changes = serializers.JSONField()
    personal = serializers.JSONField(
        allow_null=True, help_text="Names and addresses; null where there are none, or you may not see them."
    )


def represent(entry: AuditEntry, *, with_personal: bool) -> dict[str, Any]:
    """An entry as it is answered, its personal values where `with_personal` says that they were read along."""
    personal = getattr(entry, "personal", None) if with_personal else None
    actor_id = None if entry.actor_user_id is None else str(entry.actor_user_id)
    return {
        "id": str(entry.pk),
        "at": utc_text(entry.at),
        "action": entry.action,
        "actor": {"kind": entry.actor_kind, "id": actor_id, "label": entry.actor_label},
        "target_type": entry.target_type,
        "target_id": entry.target_id,
        "request_id": entry.request_id,
        "changes": entry.changes,
        "personal": None if personal is None else personal.values,
    }
