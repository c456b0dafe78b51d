"""Shapes of the platform console."""

from typing import Any

from rest_framework import serializers

from saas.core.api.serializers import StrictSerializer, UtcDateTimeField
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
