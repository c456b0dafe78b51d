"""Visits in JSON."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

from saas.core.api.serializers import StrictModelSerializer
from tenant_apps.visits.models import Visit

_VISIT = {
    "id": "0b6f1c5e-3a52-4a57-9d3c-2a6f2a5d6f10",
    "staff_name": "Stella Staff",
    "reason": "Ticket 118: the import of 3 May",
    "access": "read",
    "started_at": "2026-11-20T09:30:00Z",
    "expires_at": "2026-11-20T10:00:00Z",
    "ended_at": None,
    "ended_by": "",
}


@extend_schema_serializer(examples=[OpenApiExample("A visit that goes on", _VISIT, response_only=True)])
class VisitSerializer(StrictModelSerializer[Visit]):
    """A visit as the library's people see it. It is over at `ended_at`, and at `expires_at` at the latest."""

    class Meta:
        model = Visit
        fields: ClassVar = [
            "id",
            "staff_name",
            "reason",
            "access",
            "started_at",
            "expires_at",
            "ended_at",
            "ended_by",
        ]
        read_only_fields: ClassVar = fields
