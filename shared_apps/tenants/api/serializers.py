"""Domains in JSON."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from saas.core.api.serializers import LineField, StrictSerializer, UtcDateTimeField
from shared_apps.tenants import domain_names
from shared_apps.tenants.models import Domain

_EXAMPLE = {
    "id": "7",
    "domain": "catalogue.example.org",
    "status": "pending",
    "record": {
        "type": "TXT",
        "name": "_libraryhub.catalogue.example.org",
        "value": "libraryhub-verify=4kq7v2mzc5xw3n6hpt2drs7yea5ubgjf",
    },
    "created_at": "2026-11-20T09:30:00Z",
    "proven_at": None,
    "checked_at": None,
    "problem": "",
}


class RecordSerializer(StrictSerializer):
    """The DNS record that proves the domain."""

    type = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()


@extend_schema_serializer(examples=[OpenApiExample("A new domain", _EXAMPLE, response_only=True)])
class DomainSerializer(StrictSerializer):
    """A domain of the library. `status`: pending, proven, or missing (proven, but its record is gone)."""

    id = serializers.CharField()
    domain = serializers.CharField(source="display_name")
    status = serializers.CharField()
    record = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()
    proven_at = UtcDateTimeField(allow_null=True)
    checked_at = UtcDateTimeField(allow_null=True)
    problem = serializers.CharField(source="last_problem")

    @extend_schema_field(RecordSerializer)
    def get_record(self, domain: Domain) -> dict[str, Any]:
        """Return the record to put into the domain's DNS."""
        return {
            "type": "TXT",
            "name": domain_names.proof_name(domain.domain),
            "value": domain_names.proof_value(domain.token),
        }


class DomainListSerializer(StrictSerializer):
    """All domains of the library; there is only ever one page."""

    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = DomainSerializer(many=True)


@extend_schema_serializer(
    examples=[OpenApiExample("A domain", {"domain": "catalogue.example.org"}, request_only=True)]
)
class NewDomainSerializer(StrictSerializer):
    """The body that adds a domain."""

    domain = LineField(max_length=255)
