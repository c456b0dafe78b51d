"""HTTP for setting up identity providers."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.etags import record_response, require_match
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PreconditionFailed, PreconditionRequired, ValidationFailed
from tenant_apps.federation import selectors, services
from tenant_apps.federation.api.serializers import (
    IdentityProviderChangesSerializer,
    IdentityProviderSerializer,
    NewIdentityProviderSerializer,
    represent,
)
from tenant_apps.federation.errors import ProviderCodeTaken
from tenant_apps.federation.models import IdentityProvider


class IdentityProviderViewSet(ApiViewSet):
    """Other sites whose word the library takes for who somebody is."""

    permissions: ClassVar = {
        "list": "sign_in.manage",
        "retrieve": "sign_in.manage",
        "create": "sign_in.manage",
        "partial_update": "sign_in.manage",
        "destroy": "sign_in.manage",
    }
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, ProviderCodeTaken),
        "partial_update": (ValidationFailed, NotFound, PreconditionFailed, PreconditionRequired),
        "destroy": (NotFound, PreconditionFailed, PreconditionRequired),
    }
    ordering_fields: ClassVar = ("code", "name")
    default_ordering = "code"
    serializer_class = IdentityProviderSerializer

    def get_queryset(self) -> QuerySet[IdentityProvider]:
        """Return every provider of the library."""
        return selectors.providers()

    @extend_schema(summary="List identity providers", responses=IdentityProviderSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of the library's identity providers, by code."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(IdentityProviderSerializer(page, many=True).data)

    @extend_schema(summary="Show an identity provider", responses=IdentityProviderSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One identity provider."""
        provider = self.get_object()
        return record_response(request, provider, lambda: represent(provider))

    @extend_schema(
        summary="Set up an identity provider",
        request=NewIdentityProviderSerializer,
        responses={201: IdentityProviderSerializer},
    )
    def create(self, request: Request) -> HttpResponseBase:
        """Trust a provider's word; its secret is stored encrypted and never shown again."""
        body = NewIdentityProviderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        provider = services.create_provider(
            values=body.validated_data, by=self.principal.actor, now=clock.now()
        )
        return record_response(request, provider, lambda: represent(provider), status=201)

    @extend_schema(
        summary="Change an identity provider",
        request=IdentityProviderChangesSerializer,
        responses=IdentityProviderSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change all but code and kind; `If-Match` names the version that was read."""
        found = self.get_object()
        body = IdentityProviderChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        provider = services.update_provider(
            provider_id=found.pk,
            changes=body.validated_data,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return record_response(request, provider, lambda: represent(provider))

    @extend_schema(summary="Delete an identity provider", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete a provider and the links to it; people keep their accounts, and their passwords if they have one."""
        found = self.get_object()
        services.delete_provider(
            provider_id=found.pk,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: require_match(request, row),
        )
        return Response(status=204)
