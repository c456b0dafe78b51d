"""HTTP for patrons and their categories."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import etag_of, record_response, require_match
from saas.core.api.parameters import CURSOR
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.patrons import selectors, services
from tenant_apps.patrons.api.reads import CATEGORIES, PATRON_BY_CARD, PATRONS
from tenant_apps.patrons.api.serializers import (
    NewPatronCategorySerializer,
    NewPatronSerializer,
    PatronCategorySerializer,
    PatronChangesSerializer,
    PatronSerializer,
    represent,
)
from tenant_apps.patrons.errors import CardNumberTaken, PatronCategoryTaken, UnknownCard
from tenant_apps.patrons.models import Patron, PatronCategory


class PatronCategoryViewSet(CompiledList, ApiViewSet):
    """What loan rules tell patrons apart by."""

    permissions: ClassVar = {"list": "patrons.view", "create": "patrons.manage"}
    error_codes: ClassVar = {"create": (ValidationFailed, PatronCategoryTaken)}
    list_read = CATEGORIES
    serializer_class = PatronCategorySerializer

    def get_queryset(self) -> QuerySet[PatronCategory]:
        """Return every category of the library."""
        return selectors.all_categories()

    @extend_schema(summary="List patron categories", responses=PatronCategorySerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of patron categories, by code."""
        return self.page()

    @extend_schema(
        summary="Make a patron category",
        request=NewPatronCategorySerializer,
        responses={201: PatronCategorySerializer},
    )
    def create(self, request: Request) -> Response:
        """Make a patron category; this needs the permission for the whole library."""
        require_at_branch(self.principal, selectors.MANAGE, None)
        body = NewPatronCategorySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        category = services.create_category(**body.validated_data, by=self.principal.actor, now=clock.now())
        return Response(
            PatronCategorySerializer(category).data, status=201, headers={"ETag": etag_of(category)}
        )


class PatronViewSet(CompiledList, CompiledRetrieve, ApiViewSet):
    """People who borrow. Staff of single branches see and change the patrons of those branches."""

    permissions: ClassVar = {
        "list": selectors.VIEW,
        "retrieve": selectors.VIEW,
        "by_card": selectors.VIEW,
        "create": selectors.MANAGE,
        "partial_update": selectors.MANAGE,
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "by_card": (UnknownCard,),
        "create": (ValidationFailed, CardNumberTaken),
        "partial_update": (
            ValidationFailed,
            CardNumberTaken,
            NotFound,
            PreconditionFailed,
            PreconditionRequired,
        ),
    }
    list_read = retrieve_read = PATRONS
    may_be_empty: ClassVar = frozenset({"search", CURSOR})
    idempotent = True
    serializer_class = PatronSerializer

    def get_queryset(self) -> QuerySet[Patron]:
        """Return the patrons whom the caller may see."""
        return selectors.patrons_visible_to(self.principal)

    @extend_schema(summary="List patrons", responses=PatronSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of patrons, by name; `search` is part of a name or the beginning of a card number."""
        return self.page()

    @extend_schema(summary="Show a patron", responses=PatronSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One patron."""
        return self.record(pk)

    @extend_schema(summary="Find the patron of a card", responses=PatronSerializer)
    @action(detail=True)
    def by_card(self, request: Request, card: str) -> HttpResponseBase:
        """The patron who has this card, be it lost or not."""
        return self.record(card, read=PATRON_BY_CARD, missing=UnknownCard)

    @extend_schema(
        summary="Register a patron", request=NewPatronSerializer, responses={201: PatronSerializer}
    )
    @delivery.idempotent
    def create(self, request: Request) -> Response:
        """Register a patron with their cards."""
        body = NewPatronSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        require_at_branch(self.principal, selectors.MANAGE, body.validated_data["home_branch"].pk)
        patron = services.create_patron(**body.validated_data, by=self.principal.actor, now=clock.now())
        return Response(represent(patron), status=201, headers={"ETag": etag_of(patron)})

    @extend_schema(summary="Change a patron", request=PatronChangesSerializer, responses=PatronSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change a patron; `If-Match` names the version that was read."""
        found = self.get_object()
        require_at_branch(self.principal, selectors.MANAGE, found.home_branch_id)
        body = PatronChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if "home_branch" in body.validated_data:
            require_at_branch(self.principal, selectors.MANAGE, body.validated_data["home_branch"].pk)
        patron = services.update_patron(
            patron_id=found.pk,
            changes=body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, patron, lambda: represent(patron))
