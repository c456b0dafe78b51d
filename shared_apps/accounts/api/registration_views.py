"""HTTP for registration at a library: the answers never tell whether an address has an account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.permissions import HasDeclaredPermission
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiView
from saas.core.errors import RateLimited, ValidationFailed
from shared_apps.accounts import services
from shared_apps.accounts.api.registration_serializers import (
    RegistrationSerializer,
    ResendSerializer,
    VerifiedSerializer,
    VerifyEmailSerializer,
)
from shared_apps.accounts.api.serializers import DetailSerializer
from shared_apps.accounts.errors import CodeInvalid, RegistrationClosed


class _OpenView(ApiView):
    """Open to everybody, tokens or not."""

    authentication_classes = ()
    permission_classes: Any = (HasDeclaredPermission,)
    permissions: ClassVar = {"POST": None}
    http_method_names = ("post",)


class RegistrationView(_OpenView):
    """Register."""

    error_codes: ClassVar = {"POST": (RegistrationClosed, ValidationFailed, RateLimited)}

    @extend_schema(
        operation_id="auth_registration",
        summary="Register at the library",
        request=RegistrationSerializer,
        responses={202: DetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Mail a code to the address; whoever has an account with it is mailed so instead."""
        body = RegistrationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.register(**body.validated_data, address=address_subject(request), now=clock.now())
        return Response({"detail": _("A mail with a code is on its way to this address.")}, status=202)


class VerifyEmailView(_OpenView):
    """Prove an address."""

    error_codes: ClassVar = {"POST": (CodeInvalid, RateLimited)}

    @extend_schema(
        operation_id="auth_registration_verify_email",
        summary="Confirm an e-mail address by its code",
        request=VerifyEmailSerializer,
        responses=VerifiedSerializer,
    )
    def post(self, request: Request) -> Response:
        """Open the account that was registered with this address; then sign in, once the library lets you in."""
        body = VerifyEmailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        status = services.verify_email(
            **body.validated_data, address=address_subject(request), now=clock.now()
        )
        return Response({"status": status.value})


class ResendCodeView(_OpenView):
    """Ask for a new code."""

    error_codes: ClassVar = {"POST": (ValidationFailed, RateLimited)}

    @extend_schema(
        operation_id="auth_registration_resend",
        summary="Ask for a new code",
        request=ResendSerializer,
        responses={202: DetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Mail a new code to an address that waits to be confirmed; the old one is dead."""
        body = ResendSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.resend_code(
            email=body.validated_data["email"], address=address_subject(request), now=clock.now()
        )
        text = _("If this address waits to be confirmed, a mail with a code is on its way.")
        return Response({"detail": text}, status=202)
