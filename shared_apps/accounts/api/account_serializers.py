"""Bodies and answers about one's own account."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import IdField, StrictSerializer, UtcDateTimeField
from shared_apps.accounts.api.serializers import password_field
from shared_apps.accounts.clients import device_of
from shared_apps.accounts.models import UserSession


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A session",
            {
                "id": "31",
                "started_at": "2026-11-20T09:12:44Z",
                "last_seen_at": "2026-11-20T10:02:13Z",
                "device": "Firefox on Linux",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
                "network": "192.0.2.0/24",
                "opened_with": "email",
                "current": True,
            },
            response_only=True,
        )
    ]
)
class UserSessionSerializer(serializers.Serializer[Any]):
    """Where the caller is signed in.

    `device` is read from the User-Agent header that came with the sign-in, "" where it says nothing; `network` is the
    /24 (IPv6: the /48) of the address then. Which town that is, nobody here knows.
    """

    id = IdField()
    started_at = UtcDateTimeField()
    last_seen_at = UtcDateTimeField()
    device = serializers.SerializerMethodField()
    user_agent = serializers.CharField()
    network = serializers.CharField()
    opened_with = serializers.CharField()
    current = serializers.SerializerMethodField()

    def get_device(self, row: UserSession) -> str:
        """Return a readable name of the device."""
        return device_of(row.user_agent)

    def get_current(self, row: UserSession) -> bool:
        """Return whether this is the session that asks."""
        return bool(row.sid == self.context["session"])


@extend_schema_serializer(
    examples=[OpenApiExample("Erase", {"password": "a long pass phrase"}, request_only=True)]
)
class EraseSerializer(StrictSerializer):
    """The body that erases one's own account; `password` is the present one."""

    password = password_field()


@extend_schema_field(OpenApiTypes.OBJECT)
class _Anything(serializers.Field[Any, Any, Any, Any]):
    """JSON of another app."""


class ExportSerializer(serializers.Serializer[Any]):
    """Everything that the library keeps of the caller; other apps add members of their own."""

    exported_at = UtcDateTimeField()
    account = _Anything()
    sessions = _Anything()
    audit = _Anything()
