"""Where each library's schema stands, for platform staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.parameters import invalid_parameter
from saas.core.api.serializers import StrictSerializer, UtcDateTimeField
from saas.core.api.views import ApiViewSet
from saas.core.errors import InvalidParameter
from shared_apps.platform.selectors import VIEW, libraries_with_a_schema, migrations_of


class LibraryMigrationsSerializer(StrictSerializer):
    """One library's version; `lag` is how many migrations it has yet to get, null where its release is unknown."""

    id = serializers.UUIDField()
    subdomain = serializers.CharField()
    version = serializers.CharField(help_text="Number of migrations, and the beginning of the release's key.")
    lag = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(help_text="What its last migration failed with; empty where it did not.")
    attempts = serializers.IntegerField(help_text="How often that has failed.")
    failed_at = UtcDateTimeField(allow_null=True)
    migrated_at = UtcDateTimeField()


class MigrationsView(ApiViewSet):
    """Every library's schema version and lag."""

    permissions: ClassVar = {"list": VIEW}
    error_codes: ClassVar = {"list": (InvalidParameter,)}
    query_parameters: ClassVar = frozenset({"behind"})
    ordering_fields: ClassVar = ("subdomain",)
    default_ordering = "subdomain"
    serializer_class = LibraryMigrationsSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Return the libraries that have tables, those of another release where asked. Raises InvalidParameter."""
        behind = self.request.query_params.get("behind", "false")
        if behind not in ("true", "false"):
            raise invalid_parameter("behind", "invalid", _("Send true or false."))
        return libraries_with_a_schema(behind=behind == "true")

    @extend_schema(
        summary="List schema versions",
        parameters=[
            OpenApiParameter(
                "behind", bool, description="Only libraries of another release than this server's."
            )
        ],
        responses=LibraryMigrationsSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """List each library's schema version, and how far it is behind this server's code."""
        rows = migrations_of(self.paginate_queryset(self.get_queryset()) or [])
        return self.get_paginated_response(LibraryMigrationsSerializer(rows, many=True).data)
