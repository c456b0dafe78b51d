"""HTTP for service accounts and their keys."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.compiled import CompiledList, CompiledRetrieve
from saas.core.api.etags import match_if_sent, record_response
from saas.core.api.fields import id_from_path
from saas.core.api.views import ApiViewSet
from saas.core.errors import CannotGrant, NotFound, PreconditionFailed, ValidationFailed
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.keys import selectors, services
from tenant_apps.keys.api.reads import SERVICE_ACCOUNTS
from tenant_apps.keys.api.serializers import (
    ApiKeySerializer,
    MadeKeySerializer,
    NewApiKeySerializer,
    NewServiceAccountSerializer,
    RotationSerializer,
    ServiceAccountChangesSerializer,
    ServiceAccountSerializer,
    represent,
    represent_all,
)
from tenant_apps.keys.errors import KeyNotUsable, ServiceAccountCodeTaken
from tenant_apps.keys.models import ApiKey, ServiceAccount

MANAGE = "keys.manage"


class _KeyManagement(ApiViewSet):
    def check_permissions(self, request: Request) -> None:
        """Ask for the permission in the whole library: a key is not a matter of one branch. Raises PermissionDenied."""
        super().check_permissions(request)
        require_at_branch(self.principal, MANAGE, None)


class ServiceAccountViewSet(CompiledList, CompiledRetrieve, _KeyManagement):
    """Machines that work in the library."""

    permissions: ClassVar = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), MANAGE)
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, ServiceAccountCodeTaken),
        "partial_update": (ValidationFailed, NotFound, PreconditionFailed, CannotGrant),
        "destroy": (NotFound, PreconditionFailed),
    }
    list_read = retrieve_read = SERVICE_ACCOUNTS
    serializer_class = ServiceAccountSerializer

    def get_queryset(self) -> QuerySet[ServiceAccount]:
        """Return every service account of the library."""
        return selectors.service_accounts()

    @extend_schema(summary="List service accounts", responses=ServiceAccountSerializer(many=True))
    def list(self, request: Request) -> HttpResponseBase:
        """A page of service accounts, by code."""
        return self.page()

    @extend_schema(summary="Show a service account", responses=ServiceAccountSerializer)
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """One service account."""
        return self.record(pk)

    @extend_schema(
        summary="Make a service account",
        request=NewServiceAccountSerializer,
        responses={201: ServiceAccountSerializer},
    )
    def create(self, request: Request) -> HttpResponseBase:
        """Make a service account; it may do nothing until it has a role or a key."""
        body = NewServiceAccountSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        account = services.create_service_account(
            **body.validated_data, by=self.principal.actor, now=clock.now()
        )
        return record_response(request, account, lambda: ServiceAccountSerializer(account).data, status=201)

    @extend_schema(
        summary="Change a service account",
        request=ServiceAccountChangesSerializer,
        responses=ServiceAccountSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Rename it, or switch it off and on; switched off, it is refused with every key at once."""
        body = ServiceAccountChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        account = services.update_service_account(
            service_account_id=id_from_path(pk),
            changes=body.validated_data,
            maker=self.principal,
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: match_if_sent(request, row),
        )
        return record_response(request, account, lambda: ServiceAccountSerializer(account).data)

    @extend_schema(summary="Delete a service account", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it with its keys and roles, which end at once."""
        services.delete_service_account(
            service_account_id=id_from_path(pk),
            by=self.principal.actor,
            now=clock.now(),
            expect=lambda row: match_if_sent(request, row),
        )
        return Response(status=204)


class ApiKeyViewSet(_KeyManagement):
    """Keys by which machines prove who they are."""

    permissions: ClassVar = dict.fromkeys(("list", "retrieve", "create", "destroy", "rotate"), MANAGE)
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, CannotGrant),
        "destroy": (NotFound,),
        "rotate": (ValidationFailed, NotFound, CannotGrant, KeyNotUsable),
    }
    ordering_fields: ClassVar = ("created_at", "name")
    default_ordering = "-created_at"
    serializer_class = ApiKeySerializer

    def get_queryset(self) -> QuerySet[ApiKey]:
        """Return every key of the library, revoked and expired ones too."""
        return selectors.api_keys()

    @extend_schema(summary="List API keys", responses=ApiKeySerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of keys, the newest first; never the keys themselves."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(represent_all(page or (), now=clock.now()))

    @extend_schema(summary="Show an API key", responses=ApiKeySerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One key, without itself."""
        return Response(represent(self.get_object(), now=clock.now()))

    @extend_schema(summary="Make an API key", request=NewApiKeySerializer, responses={201: MadeKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key and show it this once. Nobody gives a key more than they may do themselves."""
        body = NewApiKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, clock.now()
        account = asked.get("service_account")
        made = services.create_key(
            name=asked["name"],
            permissions=asked["permissions"],
            branches=asked.get("branches", ()),
            expires_at=asked.get("expires_at"),
            service_account_id=account.pk if account is not None else None,
            maker=self.principal,
            now=now,
        )
        return Response(represent(made.row, now=now, key=made.key), status=201)

    @extend_schema(summary="Revoke an API key", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """End a key at once; its row stays for the record."""
        services.revoke_key(key_id=id_from_path(pk), by=self.principal.actor, now=clock.now())
        return Response(status=204)

    @extend_schema(
        summary="Exchange an API key", request=RotationSerializer, responses={201: MadeKeySerializer}
    )
    @action(detail=True)
    def rotate(self, request: Request, pk: str) -> Response:
        """Make a new key with the same rights; the old one still works for `overlap_hours`, and then never again."""
        body = RotationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, clock.now()
        made = services.rotate_key(
            key_id=id_from_path(pk),
            overlap=timedelta(hours=asked["overlap_hours"]),
            expires_at=asked.get("expires_at"),
            maker=self.principal,
            now=now,
        )
        return Response(represent(made.row, now=now, key=made.key), status=201)
