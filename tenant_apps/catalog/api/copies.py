"""HTTP for copies and item types."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList
from saas.core.api.etags import etag_of, record_response, require_match
from saas.core.api.fields import parse_id
from saas.core.api.lookups import visible_or_404
from saas.core.api.parameters import invalid_parameter
from saas.core.api.views import ApiViewSet
from saas.core.errors import (
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    PreconditionRequired,
    ValidationFailed,
)
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.api.copy_serializers import (
    CopyChangesSerializer,
    CopySerializer,
    ItemTypeSerializer,
    NewCopySerializer,
    NewItemTypeSerializer,
)
from tenant_apps.catalog.api.item_type_reads import ITEM_TYPES
from tenant_apps.catalog.errors import BarcodeTaken, ItemTypeCodeTaken, UnknownBarcode
from tenant_apps.catalog.models import Copy, ItemType
from tenant_apps.preferences import selectors as preferences

_MANAGE = "copies.manage"


class ItemTypeViewSet(CompiledList, ApiViewSet):
    """What loan rules tell copies apart by."""

    permissions: ClassVar = {"list": "catalog.view", "create": _MANAGE}
    error_codes: ClassVar = {"create": (ValidationFailed, ItemTypeCodeTaken)}
    list_read = ITEM_TYPES
    serializer_class = ItemTypeSerializer

    def get_queryset(self) -> QuerySet[ItemType]:
        """Return every item type of the library."""
        return selectors.all_item_types()

    @extend_schema(summary="List item types", responses=ItemTypeSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of item types, by code."""
        return self.page()

    @extend_schema(
        summary="Add an item type", request=NewItemTypeSerializer, responses={201: ItemTypeSerializer}
    )
    def create(self, request: Request) -> Response:
        """Add an item type; this needs the permission for the whole library."""
        require_at_branch(self.principal, _MANAGE, None)
        body = NewItemTypeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        item_type = services.add_item_type(**body.validated_data, by=self.principal.actor, now=clock.now())
        return Response(ItemTypeSerializer(item_type).data, status=201, headers={"ETag": etag_of(item_type)})


class CopyViewSet(ApiViewSet):
    """The library's copies. Readers see where they stand; barcodes and prices are for staff."""

    permissions: ClassVar = {
        "list": "catalog.view",
        "retrieve": "catalog.view",
        "by_barcode": "circulation.lend",
        "create": _MANAGE,
        "partial_update": _MANAGE,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "by_barcode": (UnknownBarcode,),
        "create": (ValidationFailed, BarcodeTaken, PermissionDenied),
        "partial_update": (
            ValidationFailed,
            BarcodeTaken,
            NotFound,
            PermissionDenied,
            PreconditionFailed,
            PreconditionRequired,
        ),
    }
    query_parameters: ClassVar = frozenset({"title"})
    ordering_fields: ClassVar = ("id",)
    default_ordering = "-id"
    serializer_class = CopySerializer

    def get_queryset(self) -> QuerySet[Copy]:
        """Return every copy of the library."""
        return selectors.all_copies()

    @extend_schema(summary="List copies", responses=CopySerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of copies, the newest first; `title` keeps those of one title."""
        copies = self.get_queryset()
        wanted = request.query_params.get("title")
        if wanted is not None:
            title_id = parse_id(wanted)
            if title_id is None:
                raise invalid_parameter("title", "invalid", _("Send the id of a title."))
            copies = copies.filter(title=title_id)
        page = self.paginate_queryset(copies)
        answer = CopySerializer(page, many=True, context=self._context())
        return self.get_paginated_response(answer.data)

    @extend_schema(summary="Show a copy", responses=CopySerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One copy."""
        return self._answer(request, self.get_object())

    @extend_schema(summary="Find a copy by its barcode", responses=CopySerializer)
    def by_barcode(self, request: Request, barcode: str) -> HttpResponseBase:
        """The copy with this barcode."""
        copy = visible_or_404(self.get_queryset(), "barcode", barcode, missing=UnknownBarcode)
        return self._answer(request, copy)

    @extend_schema(summary="Add a copy", request=NewCopySerializer, responses={201: CopySerializer})
    def create(self, request: Request) -> HttpResponseBase:
        """Add a copy of a title; this needs the permission at its home branch or for the title's collection."""
        body = NewCopySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        selectors.require_copy(
            self.principal, branch_id=wanted["home_branch"].pk, collection_id=wanted["title"].collection_id
        )
        copy = services.add_copy(**wanted, by=self.principal.actor, now=clock.now())
        return self._answer(request, self.get_queryset().get(pk=copy.pk), status=201)

    @extend_schema(summary="Change a copy", request=CopyChangesSerializer, responses=CopySerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change a copy; `If-Match` names the version that was read. A new home branch needs the permission
        there too.
        """
        found = self.get_object()
        selectors.require_copy_change(self.principal, found)
        body = CopyChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        home = body.validated_data.get("home_branch")

        def expect(row: Copy) -> None:
            # Of the row that is locked: between the look-up and the lock it may have moved to another branch.
            selectors.require_copy_change(self.principal, row, home_branch_id=home.pk if home else None)
            require_match(request, row)

        services.change_copy(
            copy_id=found.pk,
            changes=body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=expect,
        )
        return self._answer(request, self.get_queryset().get(pk=found.pk))

    def _context(self) -> dict[str, Any]:
        return {
            "handles_copies": selectors.sees_barcodes(self.principal),
            "currency": str(preferences.value("currency")),
        }

    def _answer(self, request: Request, copy: Copy, *, status: int = 200) -> HttpResponseBase:
        """One copy. Its tag names status and caller's view too: a loan changes the one, and the other
        differs.
        """
        context = self._context()
        view = "staff" if context["handles_copies"] else "reader"
        form = f"json-{selectors.copy_status(copy)}-{view}"
        return record_response(
            request, copy, lambda: CopySerializer(copy, context=context).data, form=form, status=status
        )
