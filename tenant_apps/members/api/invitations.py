"""HTTP for invitations."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.serializers import NothingSerializer
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import CannotGrant, NotFound, PersonRequired, RateLimited, ValidationFailed
from tenant_apps.members import rules, selectors, services
from tenant_apps.members.api.parameters import choice
from tenant_apps.members.api.serializers import (
    AcceptanceSerializer,
    AcceptedSerializer,
    InvitationSerializer,
    NewInvitationSerializer,
    represent_invitation,
)
from tenant_apps.members.errors import (
    InvitationExpired,
    InvitationInvalid,
    InvitationNotOpen,
    InvitationUsed,
    InvitationVoid,
    SignInToAccept,
)
from tenant_apps.members.models import Invitation


class InvitationViewSet(ApiViewSet):
    """Roles on their way to somebody's mailbox."""

    permissions: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "resend", "destroy"), selectors.MANAGE
    )
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "create": (ValidationFailed, CannotGrant, PersonRequired, RateLimited),
        "resend": (NotFound, CannotGrant, InvitationNotOpen, PersonRequired, RateLimited),
        "destroy": (NotFound, InvitationNotOpen),
    }
    query_parameters: ClassVar = frozenset({"state"})
    ordering_fields: ClassVar = ("created_at", "email")
    default_ordering = "-created_at"
    serializer_class = InvitationSerializer

    def get_queryset(self) -> QuerySet[Invitation]:
        """Return the invitations that the caller manages."""
        return selectors.invitations_managed_by(self.principal)

    @extend_schema(summary="List invitations", responses=InvitationSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of invitations, the newest first; `state` is open, accepted, expired or revoked."""
        state = choice(request, "state", rules.STATES)
        rows = self.get_queryset()
        page = self.paginate_queryset(selectors.invitations_in(rows, state) if state else rows)
        now = clock.now()
        return self.get_paginated_response([represent_invitation(row, now=now) for row in page or ()])

    @extend_schema(summary="Show an invitation", responses=InvitationSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One invitation."""
        return Response(represent_invitation(self.get_object(), now=clock.now()))

    @extend_schema(
        summary="Invite somebody", request=NewInvitationSerializer, responses={201: InvitationSerializer}
    )
    def create(self, request: Request) -> Response:
        """Mail a link that gives a role; nobody gives what they do not have, and nothing tells who has an account."""
        self.require_person()
        body = NewInvitationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked, now = body.validated_data, clock.now()
        invitation = services.invite(
            email=asked["email"],
            name=asked.get("name", ""),
            role=asked["role"].code,
            branch=_code(asked.get("branch")),
            collection=_code(asked.get("collection")),
            inviter=self.principal,
            now=now,
        )
        return Response(represent_invitation(invitation, now=now), status=201)

    @extend_schema(
        summary="Send an invitation again", request=NothingSerializer, responses=InvitationSerializer
    )
    @action(detail=True)
    def resend(self, request: Request, pk: str) -> Response:
        """Mail a new link for seven days; the old link is dead."""
        self.require_person()
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        now = clock.now()
        invitation = services.resend_invitation(
            invitation_id=id_from_path(pk), inviter=self.principal, now=now
        )
        return Response(represent_invitation(invitation, now=now))

    @extend_schema(summary="Withdraw an invitation", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Withdraw an invitation; its link is dead at once."""
        services.revoke_invitation(invitation_id=id_from_path(pk), by=self.principal, now=clock.now())
        return Response(status=204)


class AcceptInvitationView(ApiView):
    """The link of an invitation, used."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {
        "POST": (
            ValidationFailed,
            InvitationInvalid,
            InvitationExpired,
            InvitationUsed,
            InvitationVoid,
            SignInToAccept,
            PersonRequired,
        )
    }

    @extend_schema(
        operation_id="accept_invitation",
        summary="Accept an invitation",
        request=AcceptanceSerializer,
        responses={201: AcceptedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make an account with a verified address, or give the role to the signed-in owner of the address."""
        if self.principal.is_authenticated:
            self.require_person()
        body = AcceptanceSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        accepted = services.accept_invitation(**body.validated_data, caller=self.principal, now=clock.now())
        invitation, user = accepted.invitation, accepted.user
        answer = {
            "user": {"id": str(user.pk), "email": user.email},
            "role": invitation.role.code,
            "branch": _code(invitation.branch),
            "collection": _code(invitation.collection),
        }
        return Response(answer, status=201)


def _code(row: Any) -> str | None:
    return row.code if row is not None else None
