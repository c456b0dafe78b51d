"""HTTP for signing in with an identity provider, and for one's own linked identities."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.authentication import require_csrf_token
from saas.core.api.lookups import visible_or_404
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiView
from saas.core.errors import (
    CsrfFailed,
    DomainError,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServiceUnavailable,
)
from saas.core.pages import own_path, see_other
from shared_apps.accounts import entering
from shared_apps.accounts.entering import SessionSerializer
from shared_apps.accounts.errors import (
    AwaitingApproval,
    EmailTaken,
    InvalidCredentials,
    MfaRequired,
    RegistrationClosed,
)
from tenant_apps.federation import cookies, selectors, services
from tenant_apps.federation.api.serializers import (
    BeginSerializer,
    BegunSerializer,
    CallbackSerializer,
    LinkedIdentityListSerializer,
    LinkedIdentitySerializer,
    LinkSerializer,
    SecondFactorSerializer,
    WayInListSerializer,
    WayInSerializer,
)
from tenant_apps.federation.errors import (
    AccountExists,
    AddressNotAllowed,
    AddressNotVerified,
    FlowInvalid,
    IdentityNotProved,
    IdentityTaken,
    LastWayIn,
    ProviderFaulty,
    ProviderRefused,
    ProviderUnavailable,
)

_OUT_OF_ORDER = (ProviderUnavailable, ProviderFaulty, ServiceUnavailable)
_NOT_LET_IN = (InvalidCredentials, MfaRequired, AwaitingApproval, RateLimited)
_REFUSALS = (
    FlowInvalid,
    ProviderRefused,
    IdentityNotProved,
    AccountExists,
    AddressNotVerified,
    AddressNotAllowed,
    RegistrationClosed,
    EmailTaken,
    *_NOT_LET_IN,
    *_OUT_OF_ORDER,
)


class _OpenView(ApiView):
    """Open to everybody, tokens or not: a stale one must not stand in the way of a new one."""

    authentication_classes = ()


class WaysInView(_OpenView):
    """The providers that people may sign in with."""

    permissions: ClassVar = {"GET": None}
    row_serializer_class = WayInSerializer

    @extend_schema(
        operation_id="auth_social_list",
        summary="List ways to sign in",
        responses=WayInListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Codes and names of the providers, for the sign-in page of a client."""
        ways = WayInSerializer(selectors.enabled_providers(), many=True).data
        return Response({"next": None, "previous": None, "results": ways})


class BeginView(_OpenView):
    """Begin to sign in with a provider."""

    permissions: ClassVar = {"POST": None}
    throttle_policies: ClassVar = ("burst", "sign-in-elsewhere")
    error_codes: ClassVar = {"POST": (NotFound, RateLimited, *_OUT_OF_ORDER)}

    @extend_schema(
        operation_id="auth_social_begin",
        summary="Begin a sign-in with a provider",
        request=BeginSerializer,
        responses=BegunSerializer,
    )
    def post(self, request: Request, code: str) -> Response:
        """Say where to send the browser.

        With `transport: "cookie"` a cookie binds the sign-in to this browser; otherwise `flow_token` does to whoever
        has it.
        """
        body = BeginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by_cookie = body.validated_data["transport"] == services.COOKIE
        begun = services.begin_sign_in(
            provider_code=code,
            transport=body.validated_data["transport"],
            back=own_path(body.validated_data.get("next")),
            redirect_uri=redirect_uri(request._request, code),
            address=address_subject(request._request),
        )
        answer = {"authorization_url": begun.authorization_url}
        response = Response(answer if by_cookie else {**answer, "flow_token": begun.binding})
        if by_cookie:
            cookies.set_binding(response, begun.binding)
        return response


class CallbackView(_OpenView):
    """Where a provider sends people back to."""

    permissions: ClassVar = {"GET": None, "POST": None}
    throttle_policies: ClassVar = ("burst", "sign-in-elsewhere")
    error_codes: ClassVar = {"GET": _REFUSALS, "POST": (*_REFUSALS, CsrfFailed)}

    def allowed_query_parameters(self) -> frozenset[str]:
        """Return whatever came: providers add names of their own (RFC 6749, 4.1.2: unknown ones are ignored)."""
        return frozenset(self.request.query_params)

    @extend_schema(
        operation_id="auth_social_return",
        summary="Return from a provider in a browser",
        responses={303: None},
    )
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Open the session of this browser and lead on to a page of this site; a refusal is a page too."""
        sent = request.query_params
        answer = services.Answer(
            state=sent.get("state", ""),
            code=sent.get("code"),
            error=sent.get("error"),
            issuer=sent.get("iss"),
        )
        try:
            finished = _finish(request, code, answer, cookies.binding_of(request))
        except AccountExists:
            return see_other(reverse("sign-in-connect"))
        except MfaRequired:
            return see_other(reverse("sign-in-second-factor"))
        except DomainError as refusal:
            # A browser says that it wants a page; whatever else asks gets what the API answers everywhere.
            if request._request.get_preferred_type(["application/json", "text/html"]) != "text/html":
                raise
            return refusal_page(request._request, refusal)
        return entered(request._request, finished)

    @extend_schema(
        operation_id="auth_social_callback",
        summary="Finish a sign-in with a provider",
        request=CallbackSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request, code: str) -> HttpResponseBase:
        """Exchange what the provider answered for a session.

        `mfa_required`: send the code to `/api/v1/auth/social/second-factor/`. `account_exists`: sign in with the
        password and send `link_token` to `/api/v1/auth/social/link/`.
        """
        body = CallbackSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        sent = body.validated_data
        answer = services.Answer(sent["state"], sent.get("code"), sent.get("error"), sent.get("iss"))
        finished = _finish(request, code, answer, _binding(request, sent.get("flow_token")))
        return _api_response(request, finished)


class SecondFactorView(_OpenView):
    """The code after the provider."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (FlowInvalid, *_NOT_LET_IN, CsrfFailed)}

    @extend_schema(
        operation_id="auth_social_second_factor",
        summary="Show the second factor",
        request=SecondFactorSerializer,
        responses=SessionSerializer,
    )
    def post(self, request: Request) -> HttpResponseBase:
        """Finish a sign-in that answered `mfa_required`."""
        body = SecondFactorSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        binding = _binding(request, body.validated_data.get("flow_token"))
        finished = services.finish_second_factor(
            binding=binding,
            otp=body.validated_data["otp"],
            client=entering.client_of(request),
            now=clock.now(),
        )
        return _api_response(request, finished)


class _OwnView(ApiView):
    """For people who are signed in, and what is theirs."""

    def own_id(self) -> int:
        """The caller's user id. Raises NotAuthenticated, and PersonRequired for keys and visits."""
        return self.require_person()


class LinkView(_OwnView):
    """Say yes to a link."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (NotAuthenticated, FlowInvalid, IdentityTaken)}

    @extend_schema(
        operation_id="auth_social_link",
        summary="Link an identity to one's own account",
        request=LinkSerializer,
        responses={201: LinkedIdentitySerializer},
    )
    def post(self, request: Request) -> Response:
        """Let the provider sign the caller in from now on."""
        user_id = self.own_id()
        body = LinkSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        identity = services.confirm_link(
            user_id=user_id, token=body.validated_data["token"], by=self.principal.actor, now=clock.now()
        )
        return Response(LinkedIdentitySerializer(identity).data, status=201)


class IdentitiesView(_OwnView):
    """One's own linked identities."""

    permissions: ClassVar = {"GET": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,)}
    row_serializer_class = LinkedIdentitySerializer

    @extend_schema(
        operation_id="auth_social_identities",
        summary="List one's own linked identities",
        responses=LinkedIdentityListSerializer,
    )
    def get(self, request: Request) -> Response:
        """Providers that sign the caller in, the newest first."""
        rows = selectors.identities_of(self.own_id())
        identities = LinkedIdentitySerializer(rows, many=True).data
        return Response({"next": None, "previous": None, "results": identities})


class IdentityView(_OwnView):
    """One of one's own linked identities."""

    permissions: ClassVar = {"DELETE": None}
    error_codes: ClassVar = {"DELETE": (NotAuthenticated, NotFound, LastWayIn)}

    @extend_schema(
        operation_id="auth_social_identity_delete", summary="Unlink an identity", responses={204: None}
    )
    def delete(self, request: Request, pk: str) -> Response:
        """Unlink an identity, but not the last way to sign in."""
        user_id = self.own_id()
        found = visible_or_404(selectors.identities_of(user_id), "pk", pk)
        services.unlink(user_id=user_id, identity_id=found.pk, by=self.principal.actor, now=clock.now())
        return Response(status=204)


def redirect_uri(request: HttpRequest, code: str) -> str:
    """Where the provider sends the browser back to: the host that was asked, which is this library's."""
    return f"{request.scheme}://{request.get_host()}{reverse('social-callback', args=[code])}"


def entered(request: HttpRequest, finished: services.Finished) -> HttpResponseBase:
    """Hand a session to the browser whose cookie began the sign-in, and lead it on."""
    as_page = finished.transport == services.PAGE
    response = entering.entered_by_browser(request, finished.signed_in, back=finished.back, as_page=as_page)
    cookies.clear_binding(response)
    return response


def refusal_page(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """Tell a person in a browser why they were not signed in, and where to go on."""
    # 401 would have to name a scheme that browsers ask for by themselves (RFC 9110, 15.5.2).
    status = 400 if isinstance(refusal, NotAuthenticated) else refusal.status
    response = render(request, "federation/refused.html", {"refusal": refusal}, status=status)
    response["Cache-Control"] = "no-store, private"
    for name, value in refusal.headers.items():
        response[name] = value
    return response


def _finish(request: Request, code: str, answer: services.Answer, binding: str | None) -> services.Finished:
    return services.finish_sign_in(
        provider_code=code,
        answer=answer,
        binding=binding,
        client=entering.client_of(request),
        language=get_language() or "",
        now=clock.now(),
    )


def _binding(request: Request, flow_token: str | None) -> str | None:
    """Raises CsrfFailed where the cookie is to vouch and the request is none of our own pages."""
    if flow_token is not None:
        return flow_token
    binding = cookies.binding_of(request)
    if binding is not None:
        require_csrf_token(request)
    return binding


def _api_response(request: Request, finished: services.Finished) -> HttpResponseBase:
    by_cookie = finished.transport != services.TOKEN
    response = entering.entered_by_api(request, finished.signed_in, by_cookie=by_cookie)
    if by_cookie:
        cookies.clear_binding(response)
    return response
