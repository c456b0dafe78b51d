"""HTTP for visits of platform staff: the library's side."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList
from saas.core.api.serializers import NothingSerializer
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotFound
from tenant_apps.visits import rules, selectors, services
from tenant_apps.visits.api.reads import VISITS
from tenant_apps.visits.api.serializers import VisitSerializer
from tenant_apps.visits.models import Visit


class VisitsView(CompiledList, ApiViewSet):
    """Who of the platform's staff was here."""

    permissions: ClassVar = {"list": "audit.view"}
    list_read = VISITS
    serializer_class = VisitSerializer

    def get_queryset(self) -> QuerySet[Visit]:
        """Return every visit of this library."""
        return selectors.visits()

    @extend_schema(
        operation_id="visits_list",
        summary="List visits of platform staff",
        responses=VisitSerializer(many=True),
    )
    def list(self, request: Request) -> HttpResponseBase:
        """Present and past visits, the newest first."""
        return self.page()


class EndVisitView(ApiView):
    """Ending a visit by the library."""

    permissions: ClassVar = {"POST": "settings.manage"}
    error_codes: ClassVar = {"POST": (NotFound,)}

    @extend_schema(operation_id="visits_end", summary="End a visit", request=None, responses=VisitSerializer)
    def post(self, request: Request, visit_id: uuid.UUID) -> Response:
        """End it at once: the visitor is nobody from the next request on. Repeated, it changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        visit = services.end_visit(
            visit_id=visit_id, ended_by=rules.BY_LIBRARY, by=self.principal.actor, now=clock.now()
        )
        return Response(VisitSerializer(visit).data)
