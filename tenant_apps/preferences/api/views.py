"""HTTP for the library's settings."""

from __future__ import annotations

from typing import ClassVar

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from saas.core import clock
from saas.core.api.etags import record_response, require_match
from saas.core.api.views import ApiView
from saas.core.errors import PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.preferences import selectors, services
from tenant_apps.preferences.api.serializers import SettingsSerializer


class SettingsView(ApiView):
    """The settings of the library as one document with one version."""

    permissions: ClassVar = {"GET": "settings.view", "PATCH": "settings.manage"}
    error_codes: ClassVar = {"PATCH": (ValidationFailed, PreconditionRequired, PreconditionFailed)}
    serializer_class = SettingsSerializer

    @extend_schema(operation_id="settings_show", summary="Show the settings", responses=SettingsSerializer)
    def get(self, request: Request) -> HttpResponseBase:
        """Every setting with its value or its default."""
        row = selectors.current()
        return record_response(request, row, lambda: selectors.values_of(row))

    @extend_schema(
        operation_id="settings_change",
        summary="Change settings",
        request=SettingsSerializer,
        responses=SettingsSerializer,
    )
    def patch(self, request: Request) -> HttpResponseBase:
        """Change those that are sent, all or none; `If-Match` names the version that was read."""
        body = SettingsSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        row = services.change(
            values=body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda found: require_match(request, found),
        )
        return record_response(request, row, lambda: selectors.values_of(row))
