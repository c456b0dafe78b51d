"""Shapes of the platform console."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictSerializer, UtcDateTimeField
from shared_apps.tenants import addresses


class LibrarySerializer(StrictSerializer):
    """A library as platform staff see it. Nothing of its records: those are its own."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    subdomain = serializers.CharField()
    url = serializers.SerializerMethodField()
    status = serializers.CharField()
    plan = serializers.CharField()
    country = serializers.CharField()
    language = serializers.CharField()
    time_zone = serializers.CharField()
    created_at = UtcDateTimeField()
    closed_at = UtcDateTimeField(allow_null=True)

    def get_url(self, library: Any) -> str:
        """Address of the library's site."""
        return addresses.library_url(library.subdomain)


@extend_schema_serializer(
    examples=[OpenApiExample("Why", {"reason": "Invoice 2026-114 is unpaid."}, request_only=True)]
)
class ReasonSerializer(StrictSerializer):
    """The body of a command: why, for the audit log."""

    reason = LineField(max_length=500)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The new status",
            {"id": "0b6f1c5e-3a52-4a57-9d3c-2a6f2a5d6f10", "status": "suspended"},
            response_only=True,
        )
    ]
)
class LibraryStatusSerializer(StrictSerializer):
    """What a command answers."""

    id = serializers.UUIDField()
    status = serializers.CharField()
