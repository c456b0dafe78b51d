"""HTTP for the caller, roles and role assignments."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotAuthenticated, NotFound
from tenant_apps.access import selectors, services
from tenant_apps.access.api.serializers import (
    MeSerializer,
    NewRoleAssignmentSerializer,
    RoleAssignmentSerializer,
    RoleSerializer,
)
from tenant_apps.access.errors import AlreadyAssigned, CannotGrant, LastAdmin
from tenant_apps.access.models import Role, RoleAssignment


class MeView(ApiView):
    """The caller."""

    permissions: ClassVar = {"GET": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,)}

    @extend_schema(operation_id="me", summary="Show the caller", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who is signed in, what they may do, and their patron record if they have one."""
        if not self.principal.is_authenticated:
            raise NotAuthenticated
        return Response(selectors.describe(self.principal, language=getattr(request.user, "language", "")))


class RoleViewSet(ApiViewSet):
    """The library's roles."""

    permissions: ClassVar = {"list": "roles.manage"}
    ordering_fields: ClassVar = ("code",)
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


class RoleAssignmentViewSet(ApiViewSet):
    """Who holds which role where."""

    permissions: ClassVar = {"list": "roles.manage", "create": "roles.manage", "destroy": "roles.manage"}
    error_codes: ClassVar = {
        "create": (CannotGrant, AlreadyAssigned),
        "destroy": (NotFound, CannotGrant, LastAdmin),
    }
    serializer_class = RoleAssignmentSerializer

    def get_queryset(self) -> QuerySet[RoleAssignment]:
        """Return the assignments that the caller manages: all, or those at their branches."""
        return selectors.role_assignments_managed_by(self.principal)

    @extend_schema(summary="List role assignments", responses=RoleAssignmentSerializer(many=True))
    def list(self, request: Request) -> Response:
        """The newest first."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(RoleAssignmentSerializer(page, many=True).data)

    @extend_schema(
        summary="Give a role", request=NewRoleAssignmentSerializer, responses={201: RoleAssignmentSerializer}
    )
    def create(self, request: Request) -> Response:
        """Give a user a role, for the whole library or for one branch."""
        body = NewRoleAssignmentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        assignment = services.assign_role(
            user_id=asked["user"].pk,
            role=asked["role"].code,
            branch=asked["branch"].code if asked["branch"] is not None else None,
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
