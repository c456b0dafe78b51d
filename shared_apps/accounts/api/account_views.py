"""HTTP for what people do with their own account: sessions, address, export, erasure."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.fields import id_from_path
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiView, ApiViewSet
from saas.core.errors import NotAuthenticated, NotFound, RateLimited, ValidationFailed
from saas.core.jwt import SESSION_CLAIM
from shared_apps.accounts import selectors, services
from shared_apps.accounts.api import cookies
from shared_apps.accounts.api.account_serializers import (
    EraseSerializer,
    ExportSerializer,
    UserSessionSerializer,
)
from shared_apps.accounts.api.registration_serializers import (
    EmailChangeConfirmSerializer,
    EmailChangeSerializer,
)
from shared_apps.accounts.api.serializers import DetailSerializer
from shared_apps.accounts.errors import AccountInUse, ChangeCodeInvalid
from shared_apps.accounts.models import UserSession


def _user_id(view: Any) -> int:
    """The caller's own account. Raises NotAuthenticated, and PersonRequired for keys and visits."""
    return cast("int", view.require_person())


def _session(request: Request) -> str | None:
    """The id of the session that asks."""
    token: Any = request.auth
    found = token.get(SESSION_CLAIM) if hasattr(token, "get") else None
    return found if isinstance(found, str) else None


class SessionViewSet(ApiViewSet):
    """The caller's own sessions."""

    permissions: ClassVar = {"list": None, "destroy": None, "destroy_others": None}
    error_codes: ClassVar = {
        "list": (NotAuthenticated,),
        "destroy": (NotAuthenticated, NotFound),
        "destroy_others": (NotAuthenticated,),
    }
    ordering_fields: ClassVar = ("started_at",)
    default_ordering = "-started_at"
    serializer_class = UserSessionSerializer

    def get_queryset(self) -> QuerySet[UserSession]:
        """Return the caller's open sessions."""
        return selectors.sessions_of(_user_id(self))

    @extend_schema(
        operation_id="auth_sessions", summary="List sessions", responses=UserSessionSerializer(many=True)
    )
    def list(self, request: Request) -> Response:
        """Where the caller is signed in, the newest first; those of browsers at the pages too."""
        page = self.paginate_queryset(self.get_queryset())
        context = {"session": _session(request)}
        return self.get_paginated_response(UserSessionSerializer(page, many=True, context=context).data)

    @extend_schema(operation_id="auth_session_end", summary="End a session", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """End one session, this one too; its tokens, access tokens included, are refused from now on."""
        services.end_own_session(
            user_id=_user_id(self), session_id=id_from_path(pk), by=self.principal.actor, now=clock.now()
        )
        return Response(status=204)

    @extend_schema(
        operation_id="auth_sessions_end_others", summary="End all other sessions", responses={204: None}
    )
    def destroy_others(self, request: Request) -> Response:
        """End every session but the one that asks."""
        services.end_other_sessions(
            user_id=_user_id(self),
            keep=_session(request),
            reason="ended_by_owner",
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response(status=204)


class EmailChangeView(ApiView):
    """Ask for another e-mail address."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (NotAuthenticated, ValidationFailed, RateLimited)}

    @extend_schema(
        operation_id="auth_email_change",
        summary="Ask for another e-mail address",
        request=EmailChangeSerializer,
        responses={202: DetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Mail a code to the new address; the present one stays until it is confirmed."""
        user_id = _user_id(self)
        body = EmailChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.request_email_change(
            **body.validated_data,
            user_id=user_id,
            address=address_subject(request),
            by=self.principal.actor,
            now=clock.now(),
        )
        text = _("If this address can be used, a mail with a code is on its way to it.")
        return Response({"detail": text}, status=202)


class EmailChangeConfirmView(ApiView):
    """Confirm another e-mail address."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (NotAuthenticated, ChangeCodeInvalid, RateLimited)}

    @extend_schema(
        operation_id="auth_email_change_confirm",
        summary="Confirm another e-mail address by its code",
        request=EmailChangeConfirmSerializer,
        responses=DetailSerializer,
    )
    def post(self, request: Request) -> Response:
        """Give the account its new address; every other session ends."""
        user_id = _user_id(self)
        body = EmailChangeConfirmSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.confirm_email_change(
            code=body.validated_data["code"],
            user_id=user_id,
            session=_session(request),
            address=address_subject(request),
            by=self.principal.actor,
            now=clock.now(),
        )
        return Response({"detail": _("Your account has the new address.")})


class ExportView(ApiView):
    """What the library holds of the caller."""

    permissions: ClassVar = {"GET": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,)}

    @extend_schema(operation_id="me_export", summary="Export one's own account", responses=ExportSerializer)
    def get(self, request: Request) -> Response:
        """Everything that is kept of the caller, as one JSON document."""
        answer = Response(selectors.export_of_account(_user_id(self), now=clock.now()))
        answer["Content-Disposition"] = 'attachment; filename="account.json"'
        return answer


class EraseView(ApiView):
    """The end of the caller's account."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (NotAuthenticated, ValidationFailed, AccountInUse, RateLimited)}

    @extend_schema(
        operation_id="me_erase",
        summary="Erase one's own account",
        request=EraseSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Empty everything that names the caller, for good, and end every session."""
        user_id = _user_id(self)
        body = EraseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.erase_account(
            user_id=user_id,
            password=body.validated_data["password"],
            address=address_subject(request),
            by=self.principal.actor,
            now=clock.now(),
        )
        response = Response(status=204)
        cookies.clear_session(response)
        return response
