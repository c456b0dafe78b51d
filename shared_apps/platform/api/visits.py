"""HTTP for visits of libraries: the platform's side."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.serializers import (
    IdField,
    LineField,
    NothingSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotFound, PermissionDenied
from shared_apps.platform import rules, selectors, services
from shared_apps.platform.errors import LibraryNotOpen
from shared_apps.tenants import addresses

_BEGUN = {
    "id": "0b6f1c5e-3a52-4a57-9d3c-2a6f2a5d6f10",
    "token": "3q2-7wFx0v9n...",
    "expires_at": "2026-11-20T10:00:00Z",
    "url": "https://riverside.example.org/",
}


@extend_schema_serializer(
    examples=[OpenApiExample("A look", {"reason": "Ticket 118", "minutes": 30}, request_only=True)]
)
class NewVisitSerializer(StrictSerializer):
    """Why somebody enters a library, and for how long."""

    reason = LineField(max_length=500)
    minutes = serializers.IntegerField(min_value=1, max_value=rules.MAX_VISIT_MINUTES)
    access = serializers.ChoiceField(
        choices=(rules.READ, rules.WRITE),
        default=rules.READ,
        help_text=_("write where something is to be changed, and the library's admins allow it."),
    )


@extend_schema_serializer(examples=[OpenApiExample("Begun", _BEGUN, response_only=True)])
class BegunVisitSerializer(StrictSerializer):
    """A visit that has begun. The token is shown this once: `Authorization: Visit TOKEN` at `url`, nowhere else."""

    id = serializers.UUIDField()
    token = serializers.CharField()
    expires_at = UtcDateTimeField()
    url = serializers.URLField()


class VisitSerializer(StrictSerializer):
    """A visit. It is over at `ended_at`, and at `expires_at` at the latest."""

    id = serializers.UUIDField()
    library = serializers.UUIDField(source="library_id")
    subdomain = serializers.CharField(source="library.subdomain")
    staff = IdField(source="staff_id")
    staff_name = serializers.CharField(source="staff.get_full_name")
    reason = serializers.CharField()
    access = serializers.CharField()
    started_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    ended_at = UtcDateTimeField(allow_null=True)
    ended_by = serializers.CharField(help_text=_("staff, library, or empty where it was not ended."))


class ImpersonateView(ApiView):
    """Entering a library."""

    permissions: ClassVar = {"POST": rules.VISIT}
    error_codes: ClassVar = {"POST": (NotFound, LibraryNotOpen, PermissionDenied)}

    @extend_schema(
        operation_id="platform_libraries_impersonate",
        summary="Visit a library",
        request=NewVisitSerializer,
        responses={201: BegunVisitSerializer},
    )
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Enter an open library for up to an hour; its admins are told, and see each request.

        403 `visit_not_admitted` where its setting `staff_visits` keeps such visits out.
        """
        body = NewVisitSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        begun = services.begin_visit(
            library_id=library_id, **body.validated_data, staff=self.principal, now=clock.now()
        )
        answer = {
            "id": begun.visit.pk,
            "token": begun.token,
            "expires_at": begun.visit.expires_at,
            "url": addresses.library_url(begun.library.subdomain),
        }
        return Response(BegunVisitSerializer(answer).data, status=201)


class VisitsView(ApiViewSet):
    """Who visited which library."""

    permissions: ClassVar = {"list": rules.VISIT}
    ordering_fields: ClassVar = ("started_at",)
    default_ordering = "-started_at"
    serializer_class = VisitSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Return every visit."""
        return selectors.visits()

    @extend_schema(
        operation_id="platform_visits_list", summary="List visits", responses=VisitSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        """Present and past visits, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(VisitSerializer(page, many=True).data)


class EndVisitView(ApiView):
    """Ending a visit by staff."""

    permissions: ClassVar = {"POST": rules.VISIT}
    error_codes: ClassVar = {"POST": (NotFound,)}

    @extend_schema(
        operation_id="platform_visits_end", summary="End a visit", request=None, responses=VisitSerializer
    )
    def post(self, request: Request, visit_id: uuid.UUID) -> Response:
        """End a visit, one's own or another's, from the next request on. Repeated, it changes nothing."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        visit = services.end_visit(visit_id=visit_id, by=self.principal.actor, now=clock.now())
        return Response(VisitSerializer(visit).data)
