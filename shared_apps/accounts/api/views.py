"""HTTP for signing in and out and for passwords, on library sites and on the public one.

dj-rest-auth's views are the frame (their flow, and their care that no error report shows a password); what
they do is ours: one sign-in service, tokens of this library, problem documents.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dj_rest_auth import views as dj
from django.middleware.csrf import rotate_token
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.authentication import JWTAuthentication

from saas.core import clock
from saas.core.api.authentication import ACCESS, REFRESH, cookie_name, require_csrf_token
from saas.core.api.permissions import HasDeclaredPermission
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiBehaviour, ApiView
from saas.core.errors import CsrfFailed, NotAuthenticated, RateLimited, TokenInvalid, ValidationFailed
from shared_apps.accounts import services
from shared_apps.accounts.api import cookies
from shared_apps.accounts.api.clients import client_of
from shared_apps.accounts.api.serializers import (
    COOKIE,
    DetailSerializer,
    LoginSerializer,
    PasswordChangeSerializer,
    PasswordResetConfirmSerializer,
    PasswordResetSerializer,
    RefreshSerializer,
    SessionSerializer,
)
from shared_apps.accounts.errors import EmailNotVerified, InvalidCredentials, MfaRequired, ResetTokenInvalid
from shared_apps.accounts.models import User


class _AuthView(ApiBehaviour):
    """Open to everybody, tokens or not: a stale one must not stand in the way of a new one."""

    authentication_classes = ()
    permission_classes: Any = (HasDeclaredPermission,)
    permissions: ClassVar = {"POST": None}
    http_method_names = ("post",)


class LoginView(_AuthView, dj.LoginView):
    """Sign in."""

    serializer_class = LoginSerializer
    error_codes: ClassVar = {"POST": (InvalidCredentials, MfaRequired, EmailNotVerified, RateLimited)}

    @extend_schema(
        operation_id="auth_login", summary="Sign in", request=LoginSerializer, responses=SessionSerializer
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Exchange an address or card number and a password for a pair of tokens, or for cookies."""
        answer: Response = super().post(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer

    def login(self) -> None:
        """Sign in through the one service."""
        sent = self.serializer.validated_data
        credentials = services.Credentials(
            email=sent.get("email"),
            card_number=sent.get("card_number"),
            password=sent["password"],
            otp=sent.get("otp"),
        )
        by_cookie = sent["transport"] == COOKIE
        self.signed_in = services.sign_in(
            credentials=credentials,
            address=address_subject(self.request),
            device=self.request.COOKIES.get(cookie_name(cookies.DEVICE), "" if by_cookie else None),
            user_agent=self.request.headers.get("User-Agent", ""),
            now=clock.now(),
        )

    def get_response(self) -> Response:
        """Return the tokens, or set them as cookies."""
        by_cookie = self.serializer.validated_data["transport"] == COOKIE
        response = session_response(
            self.request, self.signed_in.user, self.signed_in.tokens, by_cookie=by_cookie
        )
        if by_cookie:
            cookies.set_device(response, self.signed_in.device)
        return response


class RefreshView(_AuthView, ApiView):
    """Renew a session."""

    error_codes: ClassVar = {"POST": (TokenInvalid, CsrfFailed)}

    @extend_schema(
        operation_id="auth_refresh",
        summary="Renew a session",
        request=RefreshSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request) -> Response:
        """Exchange the refresh token of the body or of the cookie for a new pair; the old one is spent."""
        refresh, by_cookie = _refresh_token(request)
        if refresh is None:
            raise TokenInvalid
        user, tokens = services.refresh_session(refresh=refresh, now=clock.now())
        return session_response(request, user, tokens, by_cookie=by_cookie)


class LogoutView(_AuthView, dj.LogoutView):
    """Sign out."""

    error_codes: ClassVar = {"POST": (TokenInvalid, CsrfFailed)}

    @extend_schema(
        operation_id="auth_logout", summary="Sign out", request=RefreshSerializer, responses={204: None}
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End the session of the tokens that are sent, and clear the cookies; to repeat it is no error."""
        answer: Response = super().post(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer

    def logout(self, request: Request) -> Response:
        """End the session of the refresh token (body or cookie) and of the access token."""
        refresh, by_cookie = _refresh_token(request)
        access = _access_token(request)
        if not by_cookie and access is not None and request.COOKIES.get(cookie_name(ACCESS)) == access:
            require_csrf_token(request)
        response = Response(status=204)
        cookies.clear_session(response)
        try:
            services.sign_out(refresh=refresh, access=access, now=clock.now())
        except TokenInvalid:
            # A browser gets rid of its cookies whatever they are; a client is told that its token is none.
            if not by_cookie:
                raise
        return response


class PasswordChangeView(ApiBehaviour, dj.PasswordChangeView):
    """Change one's own password."""

    permission_classes: Any = (HasDeclaredPermission,)
    permissions: ClassVar = {"POST": None}
    http_method_names: Any = ("post",)
    serializer_class = PasswordChangeSerializer
    error_codes: ClassVar = {"POST": (NotAuthenticated, ValidationFailed, RateLimited)}

    @extend_schema(
        operation_id="auth_password_change",
        summary="Change the password",
        request=PasswordChangeSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set a new password; every session ends, and the answer brings a new one."""
        user_id = self.require_person()
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        user, tokens = services.change_password(
            user_id=user_id,
            old_password=body.validated_data["old_password"],
            new_password=body.validated_data["new_password1"],
            client=client_of(request),
            by=self.principal.actor,
            now=clock.now(),
        )
        by_cookie = JWTAuthentication().get_header(request) is None
        return session_response(request, user, tokens, by_cookie=by_cookie)


class PasswordResetView(_AuthView, dj.PasswordResetView):
    """Ask for a new password."""

    serializer_class = PasswordResetSerializer
    error_codes: ClassVar = {"POST": (RateLimited,)}

    @extend_schema(
        operation_id="auth_password_reset",
        summary="Ask for a new password",
        request=PasswordResetSerializer,
        responses=DetailSerializer,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Mail a link to the owner of the account; the answer is the same where there is none."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.request_password_reset(
            email=body.validated_data["email"], address=address_subject(request), now=clock.now()
        )
        return Response({"detail": _("If there is an account with this address, a mail is on its way.")})


class PasswordResetConfirmView(_AuthView, dj.PasswordResetConfirmView):
    """Set a new password by mail."""

    serializer_class = PasswordResetConfirmSerializer
    error_codes: ClassVar = {"POST": (ResetTokenInvalid, ValidationFailed)}

    @extend_schema(
        operation_id="auth_password_reset_confirm",
        summary="Set a new password by a mailed link",
        request=PasswordResetConfirmSerializer,
        responses=DetailSerializer,
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set the new password and end every session; then sign in with it."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        sent = body.validated_data
        services.reset_password(
            uid=sent["uid"], token=sent["token"], new_password=sent["new_password1"], now=clock.now()
        )
        return Response({"detail": _("The new password is set. Sign in with it.")})


def session_response(
    request: Request, user: User, tokens: services.SessionTokens, *, by_cookie: bool
) -> Response:
    """Return the answer that brings a new pair of tokens, in the body or in cookies."""
    answer: dict[str, Any] = {"user": {"id": str(user.pk), "email": user.email}}
    if not by_cookie:
        return Response({"access": tokens.access, "refresh": tokens.refresh, **answer})
    response = Response(answer)
    cookies.set_session(response, tokens)
    # A new session gets a new CSRF token; the middleware sends it as a cookie that our pages can read.
    rotate_token(request._request)
    return response


def _refresh_token(request: Request) -> tuple[str | None, bool]:
    """The refresh token and whether a cookie brought it.

    Raises CsrfFailed for a cookie without the CSRF token.
    """
    body = RefreshSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    if "refresh" in body.validated_data:
        return body.validated_data["refresh"], False
    token = request.COOKIES.get(cookie_name(REFRESH))
    if token:
        require_csrf_token(request)
    return token or None, bool(token)


def _access_token(request: Request) -> str | None:
    scheme = JWTAuthentication()
    header = scheme.get_header(request)
    raw = scheme.get_raw_token(header) if header is not None else None
    return raw.decode("latin-1") if raw is not None else request.COOKIES.get(cookie_name(ACCESS))
