"""HTTP for signing in with a passkey, on library sites and on the public one."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.authentication import cookie_name
from saas.core.api.permissions import HasDeclaredPermission
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiView
from saas.core.errors import RateLimited, ValidationFailed
from shared_apps.accounts import services
from shared_apps.accounts.api import cookies
from shared_apps.accounts.api.mfa_serializers import (
    NoFieldsSerializer,
    PasskeySignInSerializer,
    PublicKeySerializer,
)
from shared_apps.accounts.api.serializers import COOKIE, SessionSerializer
from shared_apps.accounts.api.views import session_response
from shared_apps.accounts.errors import EmailNotVerified, PasskeyRefused
from shared_apps.accounts.services import passkeys
from shared_apps.accounts.sites import relying_party

FLOW = "libraryhub-passkey"


class _OpenView(ApiView):
    """Open to everybody, tokens or not."""

    authentication_classes = ()
    permission_classes: Any = (HasDeclaredPermission,)
    permissions: ClassVar = {"POST": None}


class PasskeyChallengeView(_OpenView):
    """The first step of signing in with a passkey."""

    @extend_schema(
        operation_id="auth_webauthn_options",
        summary="Begin to sign in with a passkey",
        request=NoFieldsSerializer,
        responses=PublicKeySerializer,
    )
    def post(self, request: Request) -> Response:
        """Options for navigator.credentials.get. The challenge lives five minutes, for the browser with the cookie."""
        NoFieldsSerializer(data=request.data).is_valid(raise_exception=True)
        flow = secrets.token_urlsafe(32)
        response = Response(passkeys.begin_sign_in(flow, site=relying_party(request)))
        _set_flow(response, flow, int(passkeys.CHALLENGE_LASTS.total_seconds()))
        return response


class PasskeySignInView(_OpenView):
    """The second step of signing in with a passkey."""

    error_codes: ClassVar = {"POST": (PasskeyRefused, EmailNotVerified, ValidationFailed, RateLimited)}

    @extend_schema(
        operation_id="auth_webauthn",
        summary="Sign in with a passkey",
        request=PasskeySignInSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Exchange the answer to the challenge for a pair of tokens, or for cookies; no password, no code."""
        body = PasskeySignInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        sent = body.validated_data
        by_cookie = sent["transport"] == COOKIE
        device = request.COOKIES.get(cookie_name(cookies.DEVICE), "" if by_cookie else None)
        signed_in = services.sign_in_with_passkey(
            credential=sent["credential"],
            flow=request.COOKIES.get(cookie_name(FLOW)),
            site=relying_party(request),
            client=services.Client(address_subject(request), request.headers.get("User-Agent", ""), device),
            now=clock.now(),
        )
        response = session_response(request, signed_in.user, signed_in.tokens, by_cookie=by_cookie)
        if by_cookie:
            cookies.set_device(response, signed_in.device)
        clear_flow(response)
        return response


def clear_flow(response: HttpResponseBase) -> None:
    """Take the cookie of a finished ceremony back."""
    _set_flow(response, "", 0)


def _set_flow(response: HttpResponseBase, flow: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(FLOW),
        flow,
        max_age=seconds,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
