"""Reading the log, in a library and on the public site. Nothing here changes it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core.api.pagination import KeysetPagination
from saas.core.api.renderers import ORJSONRenderer
from saas.core.api.tables import CsvRenderer
from saas.core.api.views import ApiViewSet
from saas.core.errors import InvalidParameter
from shared_apps.audit import selectors
from shared_apps.audit.api import filters
from shared_apps.audit.api.renderers import JsonLinesRenderer
from shared_apps.audit.api.serializers import AuditEntrySerializer, represent
from shared_apps.audit.errors import AuditExportTooLarge
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.selectors import ACTOR_KINDS

EXPORT_LIMIT = 10_000
_LIST = extend_schema(
    summary="Read the audit log",
    parameters=[
        OpenApiParameter("from", OpenApiTypes.DATETIME, description="At or after this moment."),
        OpenApiParameter("to", OpenApiTypes.DATETIME, description="Before this moment."),
        OpenApiParameter("actor", str, description="Id of the user who did it."),
        OpenApiParameter("actor_kind", str, enum=ACTOR_KINDS),
    ],
    responses={
        (200, "application/json"): AuditEntrySerializer(many=True),
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/x-ndjson"): OpenApiTypes.STR,
    },
)


class _AuditView(ApiViewSet):
    """The log of the current schema. `personal_permission` is needed to see names and addresses."""

    personal_permission: ClassVar[str]
    error_codes: ClassVar = {"list": (InvalidParameter, AuditExportTooLarge)}
    query_parameters: ClassVar = filters.NAMES
    ordering_fields: ClassVar = ("at",)
    default_ordering = "-at"
    renderer_classes = (ORJSONRenderer, CsvRenderer, JsonLinesRenderer)
    serializer_class = AuditEntrySerializer

    def get_queryset(self) -> QuerySet[AuditEntry]:
        """Return the entries that the query parameters ask for. Raises InvalidParameter."""
        rows = selectors.entries(with_personal=self._sees_personal)
        return rows.filter(filters.condition(self.request.query_params))

    def answer(self, request: Request) -> Response:
        """A page, the newest first; in CSV and JSON lines all that match, where no page is asked for."""
        rows = self.get_queryset()
        if self._is_page:
            return self.get_paginated_response(self._shown(self.paginate_queryset(rows) or []))
        found = list(rows.order_by("-at", "-pk")[: EXPORT_LIMIT + 1])
        if len(found) > EXPORT_LIMIT:
            raise AuditExportTooLarge(limit=EXPORT_LIMIT)
        return Response(self._shown(found))

    @property
    def _is_page(self) -> bool:
        asked = KeysetPagination.query_parameters & set(self.request.query_params)
        return bool(asked) or self.request.accepted_renderer.format == ORJSONRenderer.format

    @property
    def _sees_personal(self) -> bool:
        return self.principal.may(self.personal_permission)

    def _shown(self, rows: list[AuditEntry]) -> list[dict[str, Any]]:
        return [represent(row, with_personal=self._sees_personal) for row in rows]


class LibraryAuditView(_AuditView):
    """Who did what in this library."""

    permissions: ClassVar = {"list": "audit.view"}
    personal_permission = "audit.personal"

    @_LIST
    def list(self, request: Request) -> Response:
        """Who did what in this library, the newest first.

        All that matches, at most 10,000 entries, as CSV or JSON lines where `Accept` asks for it.
        """
        return self.answer(request)


class PlatformAuditView(_AuditView):
    """Who did what to which library."""

    permissions: ClassVar = {"list": "platform.audit"}
    personal_permission = "platform.audit.personal"

    @_LIST
    def list(self, request: Request) -> Response:
        """Who of the platform did what to which library, the newest first.

        All that matches, at most 10,000 entries, as CSV or JSON lines where `Accept` asks for it.
        """
        return self.answer(request)
