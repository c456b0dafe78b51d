"""HTTP for the people who run the platform and their roles."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.serializers import (
    IdField,
    LineField,
    NothingSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from saas.core.api.views import ApiViewSet
from saas.core.errors import CannotGrant, NotFound
from shared_apps.accounts.errors import EmailTaken
from shared_apps.platform import rules, selectors, services
from shared_apps.platform.errors import LastOwner

_MEMBER = {
    "id": "12",
    "email": "stella@platform.example",
    "name": "Stella Staff",
    "roles": ["support"],
    "is_active": True,
    "last_login": None,
}


def _roles_field() -> serializers.MultipleChoiceField:
    return serializers.MultipleChoiceField(
        choices=tuple(rules.ROLES),
        help_text=_("Any of support, billing, operations and owner; with none a person may do nothing."),
    )


@extend_schema_serializer(examples=[OpenApiExample("Support", _MEMBER, response_only=True)])
class StaffMemberSerializer(StrictSerializer):
    """A member of the platform's staff."""

    id = IdField(source="pk")
    email = serializers.EmailField()
    name = serializers.CharField()
    roles = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    last_login = UtcDateTimeField(allow_null=True)

    def get_roles(self, user: Any) -> list[str]:
        """Roles in the order of the rules."""
        return list(selectors.roles_of(user))


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Support",
            {"email": "stella@platform.example", "name": "Stella Staff", "roles": ["support"]},
            request_only=True,
        )
    ]
)
class InvitationSerializer(StrictSerializer):
    """Who is to join the staff."""

    email = serializers.EmailField(max_length=254)
    name = LineField(max_length=200)
    roles = _roles_field()


class StaffRolesSerializer(StrictSerializer):
    """The roles that a member of staff is to have."""

    roles = _roles_field()


class StaffViewSet(ApiViewSet):
    """The platform's staff, for owners."""

    permissions: ClassVar = {
        "list": rules.STAFF_MANAGE,
        "create": rules.STAFF_MANAGE,
        "partial_update": rules.STAFF_MANAGE,
        "deactivate": rules.STAFF_MANAGE,
    }
    error_codes: ClassVar = {
        "create": (EmailTaken, CannotGrant),
        "partial_update": (NotFound, CannotGrant, LastOwner),
        "deactivate": (NotFound, CannotGrant, LastOwner),
    }
    ordering_fields: ClassVar = ("email",)
    default_ordering = "email"
    serializer_class = StaffMemberSerializer

    def get_queryset(self) -> QuerySet[Any]:
        """Return everybody of the staff, active or not."""
        return selectors.staff()

    @extend_schema(summary="List staff", responses=StaffMemberSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Everybody of the staff with their roles, by address."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(StaffMemberSerializer(page, many=True).data)

    @extend_schema(
        summary="Invite staff", request=InvitationSerializer, responses={201: StaffMemberSerializer}
    )
    def create(self, request: Request) -> Response:
        """Make an account and mail a link by which its owner sets a password."""
        body = InvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = services.invite_staff(
            **body.validated_data, granter=self.principal, by=self.principal.actor, now=clock.now()
        )
        return self._member(user.pk, status=201)

    @extend_schema(
        summary="Change a member's roles", request=StaffRolesSerializer, responses=StaffMemberSerializer
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Give these roles instead of the present ones; effective at the next request."""
        user_id = id_from_path(pk)
        body = StaffRolesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.set_staff_roles(
            user_id=user_id,
            roles=body.validated_data["roles"],
            granter=self.principal,
            by=self.principal.actor,
            now=clock.now(),
        )
        return self._member(user_id)

    @extend_schema(summary="Deactivate a member", request=None, responses=StaffMemberSerializer)
    def deactivate(self, request: Request, pk: str) -> Response:
        """Take the account away: sessions and visits end at once. Repeated, it changes nothing."""
        user_id = id_from_path(pk)
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        services.deactivate_staff(
            user_id=user_id, granter=self.principal, by=self.principal.actor, now=clock.now()
        )
        return self._member(user_id)

    def _member(self, user_id: int, *, status: int = 200) -> Response:
        return Response(StaffMemberSerializer(self.get_queryset().get(pk=user_id)).data, status=status)
