"""HTTP for deleting a library, which takes two."""

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
from saas.core.api.serializers import IdField, NothingSerializer, StrictSerializer, UtcDateTimeField
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotFound
from shared_apps.platform import rules, selectors, services
from shared_apps.platform.api.serializers import ReasonSerializer
from shared_apps.platform.errors import DeletionDecided, DeletionPending, FourEyes
from shared_apps.tenants.errors import InvalidTransition

_REQUEST = {
    "id": "7a3d0f8e-5f2b-4a4d-8d43-0c9d2a5d6f11",
    "library": "0b6f1c5e-3a52-4a57-9d3c-2a6f2a5d6f10",
    "subdomain": "riverside",
    "reason": "Contract ended, confirmed by letter",
    "state": "pending",
    "requested_by": "12",
    "requested_at": "2026-11-20T09:30:00Z",
    "expires_at": "2026-11-27T09:30:00Z",
    "decided_by": None,
    "decided_at": None,
}


@extend_schema_serializer(examples=[OpenApiExample("Waiting", _REQUEST, response_only=True)])
class DeletionSerializer(StrictSerializer):
    """A request to delete a library for good."""

    id = serializers.UUIDField()
    library = serializers.UUIDField(source="library_id")
    subdomain = serializers.CharField(source="library.subdomain")
    reason = serializers.CharField()
    state = serializers.SerializerMethodField(help_text=_("pending, approved, rejected or expired."))
    requested_by = IdField(source="requested_by_id")
    requested_at = UtcDateTimeField()
    expires_at = UtcDateTimeField()
    decided_by = IdField(source="decided_by_id", allow_null=True)
    decided_at = UtcDateTimeField(allow_null=True)

    def get_state(self, request: Any) -> str:
        """The state at this moment."""
        return rules.deletion_state(request.state, expires_at=request.expires_at, now=clock.now())


class DeleteLibraryView(ApiView):
    """Asking for a deletion."""

    permissions: ClassVar = {"POST": rules.DELETION_REQUEST}
    error_codes: ClassVar = {"POST": (NotFound, InvalidTransition, DeletionPending)}

    @extend_schema(
        operation_id="platform_libraries_delete",
        summary="Ask for the deletion of a library",
        request=ReasonSerializer,
        responses={201: DeletionSerializer},
    )
    def post(self, request: Request, library_id: uuid.UUID) -> Response:
        """Ask for a closed library to be erased now; somebody else has seven days to approve it."""
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.request_deletion(
            library_id=library_id, **body.validated_data, by=self.principal.actor, now=clock.now()
        )
        return Response(DeletionSerializer(made).data, status=201)


class DeletionsView(ApiViewSet):
    """What was asked for."""

    permissions: ClassVar = {"list": rules.DELETION_REQUEST}
    ordering_fields: ClassVar = ("requested_at",)
    default_ordering = "-requested_at"
    serializer_class = DeletionSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Return every request."""
        return selectors.deletion_requests()

    @extend_schema(summary="List deletions", responses=DeletionSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Deletions that were asked for, the newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(DeletionSerializer(page, many=True).data)


class ApproveView(ApiView):
    """The second pair of eyes."""

    permissions: ClassVar = {"POST": rules.DELETION_APPROVE}
    error_codes: ClassVar = {"POST": (NotFound, FourEyes, DeletionDecided, InvalidTransition)}

    @extend_schema(
        operation_id="platform_deletions_approve",
        summary="Approve a deletion",
        request=None,
        responses=DeletionSerializer,
    )
    def post(self, request: Request, request_id: uuid.UUID) -> Response:
        """Approve what somebody else asked for: the library is erased within the hour, and cannot be restored."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        decided = services.approve_deletion(request_id=request_id, by=self.principal.actor, now=clock.now())
        return Response(DeletionSerializer(decided).data)


class RejectView(ApiView):
    """Leaving the library as it is."""

    permissions: ClassVar = {"POST": rules.DELETION_REQUEST}
    error_codes: ClassVar = {"POST": (NotFound, DeletionDecided)}

    @extend_schema(
        operation_id="platform_deletions_reject",
        summary="Reject or withdraw a deletion",
        request=None,
        responses=DeletionSerializer,
    )
    def post(self, request: Request, request_id: uuid.UUID) -> Response:
        """Reject it; whoever asked for it may do so as well."""
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        decided = services.reject_deletion(request_id=request_id, by=self.principal.actor, now=clock.now())
        return Response(DeletionSerializer(decided).data)
