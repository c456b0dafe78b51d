"""HTTP for titles."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import record_response, require_match
from saas.core.api.lookups import visible_or_404
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import (
    NotAcceptable,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    PreconditionRequired,
    ValidationFailed,
)
from saas.core.principals import Principal
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.api.reads import TITLE, TITLES
from tenant_apps.catalog.api.renderers import Iso2709Renderer, MarcXmlRenderer
from tenant_apps.catalog.api.title_serializers import (
    AvailabilitySerializer,
    HitSerializer,
    NewTitleSerializer,
    TitleChangesSerializer,
    TitleSerializer,
)
from tenant_apps.catalog.errors import RecordNotWritable
from tenant_apps.catalog.marc import MaterialType, TitleDraft, to_iso2709, to_marcxml
from tenant_apps.catalog.models import Title

_MARC_FORMS: tuple[type[BaseRenderer], ...] = (MarcXmlRenderer, Iso2709Renderer)


class TitleViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """The library's titles."""

    permissions: ClassVar = {
        "list": "catalog.view",
        "retrieve": "catalog.view",
        "availability": "catalog.view",
        "create": "catalog.manage",
        "partial_update": "catalog.manage",
    }
    shareable: ClassVar = frozenset({"retrieve", "availability", "partial_update"})
    error_codes: ClassVar = {
        "retrieve": (NotFound, NotAcceptable),
        "availability": (NotFound,),
        "create": (ValidationFailed, RecordNotWritable),
        "partial_update": (
            ValidationFailed,
            RecordNotWritable,
            NotFound,
            PermissionDenied,
            PreconditionFailed,
            PreconditionRequired,
        ),
    }
    list_read, retrieve_read = TITLES, TITLE
    serializer_class = TitleSerializer
    row_serializer_class = HitSerializer

    def get_queryset(self) -> QuerySet[Title]:
        """Return the titles whom the caller may see."""
        return selectors.visible_to(self.principal, selectors.titles_in_full())

    def get_renderers(self) -> list[Any]:
        """Return JSON and, for one title, the forms of its MARC record too."""
        forms = super().get_renderers()
        return [*forms, *(form() for form in _MARC_FORMS)] if self.action == "retrieve" else forms

    @extend_schema(summary="List titles", responses=HitSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of titles, the newest first; `collection` (a code) keeps those of one collection."""
        return self.page()

    @extend_schema(
        summary="Show a title",
        responses={
            (200, "application/json"): TitleSerializer,
            (200, "application/marcxml+xml"): OpenApiTypes.STR,
            (200, "application/marc"): OpenApiTypes.BINARY,
        },
    )
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One title with its contributors, subjects and the number of its copies; or its MARC record, where `Accept`
        asks for it.
        """
        renderer: Any = request.accepted_renderer
        if isinstance(renderer, _MARC_FORMS):
            answer = _record(request, self.principal, pk, renderer.format)
        else:
            answer = self.record(pk)
        patch_vary_headers(answer, ["Accept"])
        return answer

    @extend_schema(summary="Add a title", request=NewTitleSerializer, responses={201: TitleSerializer})
    def create(self, request: Request) -> HttpResponseBase:
        """Add a title; its MARC record is written from what is sent. This needs the permission for the collection, or
        for the whole library where the title is to be in none.
        """
        body = NewTitleSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        values = body.validated_data | {"material_type": MaterialType(body.validated_data["material_type"])}
        collection = values.pop("collection", None)
        selectors.require_title(self.principal, collection.pk if collection is not None else None)
        title = services.add_title(
            draft=TitleDraft(**values), collection=collection, by=self.principal.actor, now=clock.now()
        )
        return _answer(request, self.get_queryset().get(pk=title.pk), status=201)

    @extend_schema(summary="Change a title", request=TitleChangesSerializer, responses=TitleSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change what is sent and leave the rest of the MARC record; `If-Match` names the version that was
        read. Another collection needs the permission in both.
        """
        found = self.get_object()
        selectors.require_title_change(self.principal, found)
        body = TitleChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        changes = body.validated_data

        def expect(row: Title) -> None:
            # Of the row that is locked: between the look-up and the lock it may have moved to another collection.
            selectors.require_title_change(self.principal, row)
            if "collection" in changes:
                target = changes["collection"].pk if changes["collection"] is not None else None
                if target != row.collection_id:
                    selectors.require_move(self.principal, row, target)
            require_match(request, row)

        services.change_title(
            title_id=found.pk, changes=changes, by=self.principal.actor, now=clock.now(), expect=expect
        )
        return _answer(request, self.get_queryset().get(pk=found.pk))

    @extend_schema(summary="Show where a title stands", responses=AvailabilitySerializer)
    def availability(self, request: Request, pk: str) -> Response:
        """Copies by branch, in numbers and in words."""
        titles = selectors.visible_to(self.principal, selectors.all_titles().only("id"))
        title = visible_or_404(titles, "pk", pk)
        places = selectors.availability_of([title.pk]).get(title.pk, [])
        return Response(
            AvailabilitySerializer(
                {
                    "title": title.pk,
                    "copies_total": sum(place.copies for place in places),
                    "copies_available": sum(place.available for place in places),
                    "branches": places,
                }
            ).data
        )


class TitleMarcView(ApiView):
    """A title's record for other systems."""

    permissions: ClassVar = {"GET": "catalog.view"}
    shareable: ClassVar = frozenset({"GET"})
    error_codes: ClassVar = {"GET": (NotFound, NotAcceptable)}
    renderer_classes = _MARC_FORMS

    @extend_schema(
        summary="Show a title's MARC record",
        responses={
            (200, "application/marcxml+xml"): OpenApiTypes.STR,
            (200, "application/marc"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """The whole record with every field it came with: MARCXML, or ISO 2709 for `Accept:
        application/marc`.
        """
        renderer: Any = request.accepted_renderer
        return _record(request, self.principal, pk, renderer.format)


def _record(request: Request, principal: Principal, pk: str, form: str) -> HttpResponseBase:
    """The record of one title in ISO 2709 or MARCXML, as a file."""
    titles = selectors.visible_to(principal, Title.objects.only("id", "version", "marc"))
    title = visible_or_404(titles, "pk", pk)
    write = to_iso2709 if form == Iso2709Renderer.format else to_marcxml
    response = record_response(request, title, lambda: write(selectors.marc_of(title)), form=form)
    # Uploaded text must never open as a page of ours (ASVS 3.2.1).
    response["Content-Disposition"] = f'attachment; filename="title-{title.pk}.{form}"'
    return response


def _answer(request: Request, title: Title, *, status: int = 200) -> HttpResponseBase:
    """One title of `titles_in_full`, under the tag that the compiled read gives it."""
    counted: Any = title
    form = f"json-{counted.copies_total}-{counted.copies_available}"
    return record_response(request, title, lambda: TitleSerializer(title).data, form=form, status=status)
