"""HTTP for the caller: who they are, what they may do and why."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.permissions import refusal_for
from saas.core.api.views import ApiView
from saas.core.errors import NotAuthenticated, PermissionDenied, PersonRequired, ValidationFailed
from shared_apps.accounts import services as accounts
from tenant_apps.access import explanations, selectors
from tenant_apps.access.api.me_serializers import MeChangesSerializer, MeSerializer
from tenant_apps.access.api.permission_serializers import (
    PermissionExplanationSerializer,
    PermissionListSerializer,
    PermissionSerializer,
    QuestionSerializer,
    represent_explanation,
    represent_permissions,
)
from tenant_apps.access.explanations import Explanation


class MeView(ApiView):
    """The caller."""

    permissions: ClassVar = {"GET": None, "PATCH": None}
    error_codes: ClassVar = {
        "GET": (NotAuthenticated,),
        "PATCH": (ValidationFailed, NotAuthenticated, PersonRequired),
    }

    @extend_schema(operation_id="me", summary="Show the caller", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who calls, what they may do, where and by which assignment, and a person's patron record."""
        if not self.principal.is_authenticated:
            raise NotAuthenticated
        return Response(selectors.describe(self.principal, language=getattr(request.user, "language", "")))

    @extend_schema(
        operation_id="me_change",
        summary="Change own name or language",
        request=MeChangesSerializer,
        responses=MeSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change one's own name or language, and nothing else."""
        user_id = self.require_person()
        body = MeChangesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = accounts.change_profile(
            user_id=user_id, changes=body.validated_data, by=self.principal.actor, now=clock.now()
        )
        return Response({**selectors.describe(self.principal, language=user.language), "name": user.name})


class PermissionsView(ApiView):
    """The permissions that exist."""

    permissions: ClassVar = {"GET": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,)}
    row_serializer_class = PermissionSerializer

    @extend_schema(
        operation_id="permissions_list", summary="List permissions", responses=PermissionListSerializer
    )
    def get(self, request: Request) -> Response:
        """Every permission of this release by name, and whether it can be held for a branch or a collection."""
        if not self.principal.is_authenticated:
            raise NotAuthenticated
        return Response({"next": None, "previous": None, "results": represent_permissions()})


class ExplainView(ApiView):
    """Why somebody may do something."""

    permissions: ClassVar = {"GET": None}
    query_parameters: ClassVar = frozenset({"permission", "user", "service_account", "branch", "collection"})
    error_codes: ClassVar = {"GET": (ValidationFailed, NotAuthenticated, PermissionDenied)}

    @extend_schema(
        operation_id="permissions_explain",
        summary="Explain why somebody may do something, or why not",
        parameters=[QuestionSerializer],
        responses=PermissionExplanationSerializer,
    )
    def get(self, request: Request) -> Response:
        """About oneself, or, for who may manage roles of the whole library, about anybody."""
        if not self.principal.is_authenticated:
            raise NotAuthenticated
        wanted = request.query_params.get("user")
        own = wanted == str(self.principal.user_id) or not {"user", "service_account"} & set(
            request.query_params
        )
        # Asked first: the answer must not tell a stranger which ids exist.
        if not own and not self.principal.may(selectors.MANAGE):
            raise refusal_for(self.principal)
        query = QuestionSerializer(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        return Response(represent_explanation(self._explain(query)))

    def _explain(self, query: QuestionSerializer) -> Explanation:
        asked, question = query.validated_data, query.question()
        machine, user = asked.get("service_account"), asked.get("user")
        if machine is not None:
            return explanations.explain_service_account(
                machine.pk, is_active=machine.is_active, question=question
            )
        if user is not None:
            return explanations.explain_user(user.pk, is_active=user.is_active, question=question)
        if self.principal.user_id is not None:
            return explanations.explain_user(self.principal.user_id, is_active=True, question=question)
        return explanations.explain_caller(self.principal, question)
