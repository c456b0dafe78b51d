"""HTTP for one's own second factors, on library sites and on the public one."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.settings import api_settings

from saas.core import clock
from saas.core.api.lookups import visible_or_404
from saas.core.api.throttling import address_subject
from saas.core.api.views import ApiView
from saas.core.errors import NotAuthenticated, RateLimited, ValidationFailed
from saas.core.jwt import SESSION_CLAIM
from shared_apps.accounts import selectors, services
from shared_apps.accounts.api.mfa_serializers import (
    ConfirmAppSerializer,
    EnrolledSerializer,
    FactorSerializer,
    FactorsSerializer,
    NewPasskeySerializer,
    PendingAppSerializer,
    ProofSerializer,
    PublicKeySerializer,
    RecoveryCodesSerializer,
)
from shared_apps.accounts.errors import (
    EnrolmentExpired,
    FactorNeeded,
    NoFactor,
    PasskeyNotAccepted,
    TooManyPasskeys,
)
from shared_apps.accounts.services import passkeys
from shared_apps.accounts.sites import relying_party

_PROOF = (NotAuthenticated, ValidationFailed, RateLimited)


class _OwnFactorsView(ApiView):
    """For every person, whatever they may do: whoever must enrol first has no permission yet."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse who is no person. Raises NotAuthenticated and PersonRequired."""
        super().initial(request, *args, **kwargs)
        self.require_person()

    @property
    def asker(self) -> services.Asker:
        """Who changes their own factors, and in which session."""
        token = self.request.auth
        return services.Asker(
            user_id=int(self.request.user.pk),
            session=token.get(SESSION_CLAIM) or token[api_settings.JTI_CLAIM],
            address=address_subject(self.request),
            by=self.principal.actor,
        )

    def proof(self) -> services.Proof:
        """What the body proves. Raises ValidationError."""
        sent = self.sent(ProofSerializer)
        return services.Proof(password=sent["password"], otp=sent.get("otp"))

    def sent(self, kind: type[Any]) -> dict[str, Any]:
        """The values of the body. Raises ValidationError."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = body.validated_data
        return values


class FactorsView(_OwnFactorsView):
    """One's second factors."""

    permissions: ClassVar = {"GET": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,)}

    @extend_schema(operation_id="mfa", summary="Show one's second factors", responses=FactorsSerializer)
    def get(self, request: Request) -> Response:
        """Which factors there are, how many recovery codes still work, and whether a factor is required."""
        user_id = self.asker.user_id
        found = {
            "required": self.principal.needs_factor,
            "factors": selectors.factors_of(user_id),
            "recovery_codes_left": selectors.recovery_codes_left(user_id),
        }
        return Response(FactorsSerializer(found).data)


class AppView(_OwnFactorsView):
    """The authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds)."""

    permissions: ClassVar = {"POST": None, "DELETE": None}
    error_codes: ClassVar = {"POST": _PROOF, "DELETE": (*_PROOF, FactorNeeded)}

    @extend_schema(
        operation_id="mfa_totp_begin",
        summary="Begin to set up an authenticator app",
        request=ProofSerializer,
        responses=PendingAppSerializer,
    )
    def post(self, request: Request) -> Response:
        """Draw a secret for the app, good for ten minutes in this session; an app set up before works on until then."""
        pending = services.begin_app(self.asker, self.proof(), now=clock.now())
        return Response(PendingAppSerializer(pending).data)

    @extend_schema(
        operation_id="mfa_totp_delete",
        summary="Take the authenticator app away",
        request=ProofSerializer,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        """Take the app away; the body is that of a proof (`password`, `otp`). Other sessions end."""
        needed = self.principal.needs_factor
        services.remove_app(self.asker, self.proof(), needed=needed, now=clock.now())
        return Response(status=204)


class ConfirmAppView(_OwnFactorsView):
    """The second step of setting up an authenticator app."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (*_PROOF, EnrolmentExpired)}

    @extend_schema(
        operation_id="mfa_totp_confirm",
        summary="Confirm an authenticator app",
        request=ConfirmAppSerializer,
        responses={201: EnrolledSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make the app that shows this code the account's; the first factor brings recovery codes."""
        code = self.sent(ConfirmAppSerializer)["code"]
        enrolled = services.confirm_app(self.asker, code=code, now=clock.now())
        return Response(EnrolledSerializer(enrolled).data, status=201)


class RecoveryCodesView(_OwnFactorsView):
    """Recovery codes."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (*_PROOF, NoFactor)}

    @extend_schema(
        operation_id="mfa_recovery_codes",
        summary="Draw new recovery codes",
        request=ProofSerializer,
        responses={201: RecoveryCodesSerializer},
    )
    def post(self, request: Request) -> Response:
        """A new set, shown this once; the old codes are dead. Other sessions end."""
        codes = services.renew_recovery_codes(self.asker, self.proof(), now=clock.now())
        return Response({"recovery_codes": codes}, status=201)


class PasskeyOptionsView(_OwnFactorsView):
    """The first step of registering a passkey."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (*_PROOF, TooManyPasskeys)}

    @extend_schema(
        operation_id="mfa_webauthn_options",
        summary="Begin to register a passkey",
        request=ProofSerializer,
        responses=PublicKeySerializer,
    )
    def post(self, request: Request) -> Response:
        """Options for navigator.credentials.create, with a challenge that lives five minutes in this session."""
        site = relying_party(request)
        return Response(passkeys.begin_registration(self.asker, self.proof(), site=site, now=clock.now()))


class PasskeysView(_OwnFactorsView):
    """The second step of registering a passkey."""

    permissions: ClassVar = {"POST": None}
    error_codes: ClassVar = {"POST": (*_PROOF, PasskeyNotAccepted)}

    @extend_schema(
        operation_id="mfa_webauthn_create",
        summary="Register a passkey",
        request=NewPasskeySerializer,
        responses={201: EnrolledSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add the passkey that answers the challenge; the first factor brings recovery codes. Other sessions end."""
        sent = self.sent(NewPasskeySerializer)
        enrolled = passkeys.register(
            self.asker,
            name=sent["name"],
            credential=sent["credential"],
            site=relying_party(request),
            now=clock.now(),
        )
        return Response(EnrolledSerializer(enrolled).data, status=201)


class PasskeyView(_OwnFactorsView):
    """One passkey of one's own."""

    permissions: ClassVar = {"GET": None, "DELETE": None}
    error_codes: ClassVar = {"GET": (NotAuthenticated,), "DELETE": (*_PROOF, FactorNeeded)}

    @extend_schema(operation_id="mfa_webauthn_retrieve", summary="Show a passkey", responses=FactorSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """Name, and when it was added and used."""
        return Response(FactorSerializer(self._own(pk)).data)

    @extend_schema(
        operation_id="mfa_webauthn_delete",
        summary="Take a passkey away",
        request=ProofSerializer,
        responses={204: None},
    )
    def delete(self, request: Request, pk: str) -> Response:
        """Take it away; the body is that of a proof (`password`, `otp`). Other sessions end."""
        factor, needed = self._own(pk), self.principal.needs_factor
        services.remove(factor, self.asker, self.proof(), needed=needed, now=clock.now())
        return Response(status=204)

    def _own(self, pk: str) -> Any:
        return visible_or_404(selectors.passkeys_of(self.asker.user_id), "pk", pk)
