"""HTTP for roles and role assignments."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList
from saas.core.api.etags import record_response, require_match
from saas.core.api.fields import id_from_path
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.access import selectors, services
from tenant_apps.access.api.reads import ASSIGNMENTS
from tenant_apps.access.api.serializers import (
    NewRoleAssignmentSerializer,
    NewRoleSerializer,
    RoleAssignmentSerializer,
    RoleChangesSerializer,
    RoleSerializer,
    assignment_parts,
    represent_role,
)
from tenant_apps.access.errors import (
    AlreadyAssigned,
    CannotGrant,
    LastAdmin,
    RoleCodeTaken,
    RoleInUse,
    RoleIsStandard,
)
from tenant_apps.access.models import Role, RoleAssignment

MANAGE = selectors.MANAGE
_CHANGE_ERRORS = (NotFound, CannotGrant, RoleIsStandard, PreconditionFailed, PreconditionRequired)


class RoleViewSet(ApiViewSet):
    """The library's roles. They hold everywhere, so to change one takes the right for the whole library."""

    permissions: ClassVar = {
        "list": MANAGE,
        "retrieve": MANAGE,
        "create": MANAGE,
        "partial_update": MANAGE,
        "destroy": MANAGE,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, CannotGrant, RoleCodeTaken),
        "partial_update": (ValidationFailed, *_CHANGE_ERRORS),
        "destroy": (*_CHANGE_ERRORS, RoleInUse),
    }
    ordering_fields: ClassVar = ("code", "name")
    default_ordering = "code"
    serializer_class = RoleSerializer

    def get_queryset(self) -> QuerySet[Role]:
        """Return every role of the library."""
        return selectors.roles()

    @extend_schema(summary="List roles", responses=RoleSerializer(many=True))
    def list(self, request: Request) -> Response:
        """The library's roles with their permissions, by code."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(RoleSerializer(page, many=True).data)

    @extend_schema(summary="Show a role", responses=RoleSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One role."""
        role = self.get_object()
        return record_response(request, role, lambda: represent_role(role))

    @extend_schema(summary="Make a role", request=NewRoleSerializer, responses={201: RoleSerializer})
    def create(self, request: Request) -> HttpResponseBase:
        """Make a role of permissions that the caller holds for the whole library."""
        body = NewRoleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        role = services.create_role(
            **body.validated_data, granter=self.principal, by=self.principal.actor, now=clock.now()
        )
        return record_response(request, role, lambda: represent_role(role), status=201)

    @extend_schema(summary="Change a role", request=RoleChangesSerializer, responses=RoleSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change the name or what it allows, from everybody's next request on; `If-Match` names the version read."""
        body = RoleChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        role = services.change_role(
            role_id=self.get_object().pk,
            changes=body.validated_data,
            granter=self.principal,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, role, lambda: represent_role(role))

    @extend_schema(summary="Remove a role", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a role of the library's own that nobody holds."""
        services.delete_role(
            role_id=self.get_object().pk,
            granter=self.principal,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return Response(status=204)


class RoleAssignmentViewSet(CompiledList, ApiViewSet):
    """Who holds which role where."""

    permissions: ClassVar = {"list": MANAGE, "create": MANAGE, "destroy": MANAGE}
    error_codes: ClassVar = {
        "create": (ValidationFailed, CannotGrant, AlreadyAssigned),
        "destroy": (NotFound, CannotGrant, LastAdmin),
    }
    list_read = ASSIGNMENTS
    serializer_class = RoleAssignmentSerializer

    def get_queryset(self) -> QuerySet[RoleAssignment]:
        """Return the assignments that the caller manages: all, or those at their branches and collections."""
        return selectors.role_assignments_managed_by(self.principal)

    @extend_schema(
        summary="List role assignments",
        parameters=[OpenApiParameter(name, str) for name in ASSIGNMENTS.filters],
        responses=RoleAssignmentSerializer(many=True),
    )
    def list(self, request: Request) -> HttpResponseBase:
        """The newest first; `user` and `service_account` are ids, `role`, `branch` and `collection` codes."""
        return self.page()

    @extend_schema(
        summary="Give a role", request=NewRoleAssignmentSerializer, responses={201: RoleAssignmentSerializer}
    )
    def create(self, request: Request) -> Response:
        """Give a user or a service account a role, for the whole library, one branch or one collection."""
        body = NewRoleAssignmentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        assignment = services.assign_role(
            **assignment_parts(body.validated_data),
            granter=self.principal,
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(RoleAssignmentSerializer(assignment).data, status=201)

    @extend_schema(summary="Take a role away", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """End an assignment. The last admin of a library cannot be removed."""
        assignment_id = id_from_path(pk)
        if not self.get_queryset().filter(pk=assignment_id).exists():
            raise NotFound
        services.unassign_role(
            assignment_id=assignment_id, granter=self.principal, by=self.principal.actor, now=clock.now()
        )
        return Response(status=204)
