"""HTTP for collections."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import record_response, require_match
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.collections import selectors, services
from tenant_apps.collections.api.reads import COLLECTIONS
from tenant_apps.collections.api.serializers import (
    CollectionChangesSerializer,
    CollectionSerializer,
    NewCollectionSerializer,
    represent,
)
from tenant_apps.collections.errors import CollectionCodeTaken, CollectionInUse
from tenant_apps.collections.models import Collection

_VIEW, _MANAGE = "catalog.view", "collections.manage"
_CHANGE_ERRORS = (NotFound, PreconditionFailed, PreconditionRequired)


class CollectionViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """The library's collections."""

    permissions: ClassVar = {
        "list": _VIEW,
        "retrieve": _VIEW,
        "create": _MANAGE,
        "partial_update": _MANAGE,
        "destroy": _MANAGE,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, CollectionCodeTaken),
        "partial_update": (ValidationFailed, *_CHANGE_ERRORS),
        "destroy": (CollectionInUse, *_CHANGE_ERRORS),
    }
    list_read = retrieve_read = COLLECTIONS
    serializer_class = CollectionSerializer

    def get_queryset(self) -> QuerySet[Collection]:
        """Return every collection of the library."""
        return selectors.all_collections()

    @extend_schema(summary="List collections", responses=CollectionSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of the library's collections, by code."""
        return self.page()

    @extend_schema(summary="Show a collection", responses=CollectionSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One collection."""
        return self.record(pk)

    @extend_schema(
        summary="Make a collection", request=NewCollectionSerializer, responses={201: CollectionSerializer}
    )
    def create(self, request: Request) -> HttpResponseBase:
        """Make a collection; this needs the permission for the whole library."""
        selectors.require_for_collection(self.principal, _MANAGE, None)
        body = NewCollectionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        collection = services.create_collection(
            **body.validated_data, by=self.principal.actor, now=clock.now()
        )
        return record_response(request, collection, lambda: represent(collection), status=201)

    @extend_schema(
        summary="Rename a collection", request=CollectionChangesSerializer, responses=CollectionSerializer
    )
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change the name; `If-Match` names the version that was read."""
        found = self.get_object()
        selectors.require_for_collection(self.principal, _MANAGE, found.pk)
        body = CollectionChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        collection = services.rename_collection(
            collection_id=found.pk,
            **body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, collection, lambda: represent(collection))

    @extend_schema(summary="Remove a collection", request=None, responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove a collection without titles, for which nobody holds a role."""
        found = self.get_object()
        selectors.require_for_collection(self.principal, _MANAGE, found.pk)
        services.delete_collection(
            collection_id=found.pk,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return Response(status=204)
