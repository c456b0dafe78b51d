"""HTTP for the people of a library, as those who manage them see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.parameters import CURSOR
from saas.core.api.serializers import NothingSerializer
from saas.core.api.views import ApiViewSet
from saas.core.errors import NotFound, ValidationFailed
from shared_apps.accounts.errors import AccountInUse, NotAwaitingApproval
from shared_apps.accounts.services import User
from tenant_apps.access.errors import LastAdmin
from tenant_apps.members import rules, selectors, services
from tenant_apps.members.api.parameters import choice
from tenant_apps.members.api.serializers import MemberChangesSerializer, MemberSerializer
from tenant_apps.members.errors import CannotManageMember

_ABOUT_ONE = (NotFound, CannotManageMember)


class MemberViewSet(ApiViewSet):
    """The library's people. Managers of single branches or collections see those who work there."""

    permissions: ClassVar = dict.fromkeys(
        (
            "list",
            "retrieve",
            "partial_update",
            "deactivate",
            "reactivate",
            "approve",
            "refuse",
            "end_sessions",
        ),
        selectors.MANAGE,
    )
    error_codes: ClassVar = {
        "retrieve": (NotFound,),
        "partial_update": (ValidationFailed, *_ABOUT_ONE),
        "deactivate": (LastAdmin, AccountInUse, *_ABOUT_ONE),
        "reactivate": _ABOUT_ONE,
        "approve": (NotAwaitingApproval, *_ABOUT_ONE),
        "refuse": (NotAwaitingApproval, *_ABOUT_ONE),
        "end_sessions": _ABOUT_ONE,
    }
    query_parameters: ClassVar = frozenset({"search", "state", "role", "branch", "collection"})
    may_be_empty: ClassVar = frozenset({"search", CURSOR})
    ordering_fields: ClassVar = ("email", "name", "date_joined")
    default_ordering = "email"
    serializer_class = MemberSerializer

    def get_queryset(self) -> QuerySet[User]:
        """Return the people whom the caller manages, with what is shown of them."""
        return selectors.with_details(selectors.members_managed_by(self.principal))

    @extend_schema(summary="List members", responses=MemberSerializer(many=True))
    def list(self, request: Request) -> Response:
        """A page of people, by address; `search` is part of a name or an address, the others are codes and a state."""
        choice(request, "state", rules.MEMBER_STATES)
        people = selectors.matching_members(self.get_queryset(), request.query_params)
        return self.get_paginated_response(
            [self._shown(user) for user in self.paginate_queryset(people) or ()]
        )

    @extend_schema(summary="Show a member", responses=MemberSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One person with their roles."""
        return Response(self._shown(self.get_object()))

    @extend_schema(summary="Rename a member", request=MemberChangesSerializer, responses=MemberSerializer)
    def partial_update(self, request: Request, pk: str) -> HttpResponseBase:
        """Change a member's name; roles and the address are changed elsewhere."""
        body = MemberChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if "name" in body.validated_data:
            services.rename_member(
                user_id=id_from_path(pk),
                name=body.validated_data["name"],
                manager=self.principal,
                now=clock.now(),
            )
        return Response(self._shown(self.get_object()))

    @extend_schema(summary="Close a member's account", request=NothingSerializer, responses=MemberSerializer)
    @action(detail=True)
    def deactivate(self, request: Request, pk: str) -> Response:
        """Close the account and end its sessions at once; the last admin's stays open."""
        return self._managed(services.deactivate_member, request, pk)

    @extend_schema(
        summary="Open a member's account again", request=NothingSerializer, responses=MemberSerializer
    )
    @action(detail=True)
    def reactivate(self, request: Request, pk: str) -> Response:
        """Open a closed or refused account again, with the roles it has."""
        return self._managed(services.reactivate_member, request, pk)

    @extend_schema(summary="Approve a registration", request=NothingSerializer, responses=MemberSerializer)
    @action(detail=True)
    def approve(self, request: Request, pk: str) -> Response:
        """Let somebody in who has registered."""
        return self._managed(services.approve_member, request, pk)

    @extend_schema(summary="Refuse a registration", request=NothingSerializer, responses=MemberSerializer)
    @action(detail=True)
    def refuse(self, request: Request, pk: str) -> Response:
        """Refuse a registration; the account stays closed."""
        return self._managed(services.refuse_member, request, pk)

    @extend_schema(summary="End a member's sessions", responses={204: None})
    @action(detail=True)
    def end_sessions(self, request: Request, pk: str) -> Response:
        """Sign a member out everywhere, at once."""
        services.end_sessions_of_member(user_id=id_from_path(pk), manager=self.principal, now=clock.now())
        return Response(status=204)

    def _managed(self, act: Callable[..., User], request: Request, pk: str) -> Response:
        NothingSerializer(data=request.data).is_valid(raise_exception=True)
        act(user_id=id_from_path(pk), manager=self.principal, now=clock.now())
        return Response(self._shown(self.get_object()))

    def _shown(self, user: User) -> dict[str, Any]:
        return dict(MemberSerializer(user, context={"principal": self.principal}).data)
