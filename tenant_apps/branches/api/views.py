"""HTTP for branches."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import record_response, require_match
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.branches import selectors, services
from tenant_apps.branches.api.reads import BRANCHES
from tenant_apps.branches.api.serializers import (
    BranchChangesSerializer,
    BranchSerializer,
    NewBranchSerializer,
    represent,
)
from tenant_apps.branches.errors import BranchCodeTaken
from tenant_apps.branches.models import Branch


class BranchViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """The library's branches."""

    permissions: ClassVar = {
        "list": "catalog.view",
        "retrieve": "catalog.view",
        "create": "branches.manage",
        "partial_update": "branches.manage",
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, BranchCodeTaken),
        "partial_update": (ValidationFailed, NotFound, PreconditionFailed, PreconditionRequired),
    }
    list_read = retrieve_read = BRANCHES
    serializer_class = BranchSerializer

    def get_queryset(self) -> QuerySet[Branch]:
        """Return every branch of the library."""
        return selectors.all_branches()

    @extend_schema(summary="List branches", responses=BranchSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of the library's branches, by code."""
        return self.page()

    @extend_schema(summary="Show a branch", responses=BranchSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One branch."""
        return self.record(pk)

    @extend_schema(summary="Open a branch", request=NewBranchSerializer, responses={201: BranchSerializer})
    def create(self, request: Request) -> HttpResponseBase:
        """Open a branch; this needs the permission for the whole library."""
        selectors.require_at_branch(self.principal, "branches.manage", None)
        body = NewBranchSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        branch = services.create_branch(**body.validated_data, by=self.principal.actor, now=clock.now())
        return record_response(request, branch, lambda: represent(branch), status=201)

    @extend_schema(summary="Change a branch", request=BranchChangesSerializer, responses=BranchSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change the name or the time zone; `If-Match` names the version that was read."""
        found = self.get_object()
        selectors.require_at_branch(self.principal, "branches.manage", found.pk)
        body = BranchChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        branch = services.update_branch(
            branch_id=found.pk,
            changes=body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, branch, lambda: represent(branch))
