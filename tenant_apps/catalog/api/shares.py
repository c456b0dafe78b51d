"""HTTP for sharing single titles."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.lookups import visible_or_404
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, PermissionDenied, ValidationFailed
from tenant_apps.access import services as access
from tenant_apps.access.errors import AlreadyShared
from tenant_apps.catalog import selectors
from tenant_apps.catalog.api.share_serializers import NewShareSerializer, ShareSerializer
from tenant_apps.catalog.models import Title, TitleShare
from tenant_apps.catalog.selectors.rights import MANAGE_TITLES


class TitleShareViewSet(ApiViewSet):
    """Whom single titles are shared with, beside everybody whose roles let them see or edit.

    Who may edit a title by a role may share it; who may edit it because it is shared with them may not pass it on.
    """

    permissions: ClassVar = {"list": MANAGE_TITLES, "create": MANAGE_TITLES, "destroy": MANAGE_TITLES}
    error_codes: ClassVar = {
        "list": (NotFound, PermissionDenied),
        "create": (ValidationFailed, NotFound, PermissionDenied, AlreadyShared),
        "destroy": (NotFound,),
    }
    ordering_fields: ClassVar = ("id",)
    default_ordering = "id"
    serializer_class = ShareSerializer

    def get_queryset(self) -> QuerySet[TitleShare]:
        """Return the shares of the titles that the caller may edit by a role."""
        return selectors.title_shares_managed_by(self.principal)

    @extend_schema(summary="List whom a title is shared with", responses=ShareSerializer(many=True))
    def list(self, request: Request, pk: str) -> Response:
        """A page of the people whom a title is shared with, the first one first."""
        shares = self.get_queryset().filter(content_object=self._title(pk))
        return self.get_paginated_response(ShareSerializer(self.paginate_queryset(shares), many=True).data)

    @extend_schema(summary="Share a title", request=NewShareSerializer, responses={201: ShareSerializer})
    def create(self, request: Request, pk: str) -> Response:
        """Let a person see or edit one title, whatever their roles say."""
        title = self._title(pk)
        body = NewShareSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = body.validated_data["user"]
        access.share(
            shares=TitleShare,
            target=title,
            user_id=user.pk,
            permission=body.validated_data["permission"],
            by=self.principal.actor,
            now=clock.now(),
        )
        made = self.get_queryset().get(content_object=title, user=user)
        return Response(ShareSerializer(made).data, status=201)

    @extend_schema(summary="Take a share back", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """End a share: from their next request on the person has what their roles give."""
        found = visible_or_404(self.get_queryset(), "pk", pk)
        access.unshare(
            shares=TitleShare,
            target=found.content_object,
            user_id=found.user_id,
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(status=204)

    def _title(self, pk: str) -> Title:
        title = visible_or_404(selectors.all_titles(), "pk", pk)
        selectors.require_title(self.principal, title.collection_id)
        return title
