"""Sign-up over HTTP: is a name free, ask for a library, use the mailed link, see how it stands."""

import uuid
from http import HTTPStatus
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from saas.core import clock
from saas.core.api.parameters import invalid_parameter
from saas.core.api.throttling import charge_address, give_back
from saas.core.api.views import ApiView
from saas.core.errors import InvalidParameter, ValidationFailed
from saas.core.tenancy import LibraryContext
from shared_apps.delivery import services as delivery
from shared_apps.signup import selectors, services
from shared_apps.signup.api import serializers as shapes
from shared_apps.signup.applications import Application
from shared_apps.signup.errors import TokenExpired, TokenInvalid, TokenUsed
from shared_apps.tenants import addresses
from shared_apps.tenants.errors import SubdomainTaken

_WANTED = {
    "library_name": "Riverside Library",
    "subdomain": "riverside",
    "admin_name": "Anna Rivers",
    "admin_email": "anna@riverside.example",
    "password": "a long sentence of your own",
    "plan": "starter",
    "country": "IT",
    "language": "en",
    "time_zone": "Europe/Rome",
}


class AvailabilityView(ApiView):
    """Whether a subdomain is free."""

    permissions: ClassVar = {"GET": None}
    query_parameters = frozenset({"subdomain"})
    may_be_empty: ClassVar = frozenset({"subdomain"})
    error_codes: ClassVar = {"GET": (InvalidParameter,)}

    @extend_schema(
        operation_id="signup_availability",
        responses=shapes.AvailabilitySerializer,
        summary="Is a subdomain free",
    )
    def get(self, request: Request) -> Response:
        """Say whether the name is free, why not, and what is free instead."""
        wanted = request.query_params.get("subdomain")
        if wanted is None:
            raise invalid_parameter("subdomain", "required", _("Name the subdomain that you would like."))
        found = selectors.availability_of(wanted)
        return Response(
            {
                "available": found.is_available,
                "reason": found.reason,
                "detail": found.reason_text,
                "suggestions": list(found.suggestions),
            }
        )


class SignUpView(ApiView):
    """Ask for a library."""

    permissions: ClassVar = {"POST": None}
    throttle_policies: ClassVar = ("signup",)
    idempotent: ClassVar = True
    examples: ClassVar = {"POST": (OpenApiExample("A town library", value=_WANTED, request_only=True),)}

    @extend_schema(
        operation_id="signup_create",
        request=shapes.SignUpSerializer,
        responses={202: shapes.SignUpAcceptedSerializer},
        summary="Ask for a library",
    )
    @delivery.idempotent
    def post(self, request: Request) -> Response:
        """Store the request and mail its link. The answer is the same whether or not we know the address."""
        try:
            values = _validated(shapes.SignUpSerializer, request)
            password = values.pop("password")
            row = services.request_library(
                application=Application(**values), password=password, now=clock.now()
            )
        except (ValidationError, ValidationFailed):
            # Who mistypes must not be locked out of signing up: a refused attempt counts as an ordinary
            # request.
            give_back(request)
            charge_address(request, ("burst",))
            raise
        return Response({"id": str(row.pk), "status": row.status}, status=HTTPStatus.ACCEPTED)


class VerifyView(ApiView):
    """Use the mailed link."""

    permissions: ClassVar = {"POST": None}
    idempotent: ClassVar = True
    error_codes: ClassVar = {"POST": (TokenInvalid, TokenExpired, TokenUsed, SubdomainTaken)}

    @extend_schema(
        operation_id="signup_verify",
        request=shapes.VerifySerializer,
        responses={201: shapes.VerifiedSerializer},
        summary="Use the mailed link",
    )
    @delivery.idempotent
    def post(self, request: Request) -> Response:
        """Make the library; its schema and its admin exist when this answers."""
        values = _validated(shapes.VerifySerializer, request)
        library = services.verify(token=values["token"], now=clock.now())
        answer = {
            "library": shown(library),
            "sign_in_url": addresses.sign_in_url(library.subdomain),
        }
        return Response(answer, status=HTTPStatus.CREATED)


class SignUpStatusView(ApiView):
    """How a sign-up stands."""

    permissions: ClassVar = {"GET": None}

    @extend_schema(
        operation_id="signup_retrieve",
        responses=shapes.SignUpStatusSerializer,
        summary="How a sign-up stands",
    )
    def get(self, request: Request, sign_up_id: uuid.UUID) -> Response:
        """Return the status, and the library once there is one."""
        row = selectors.sign_up(sign_up_id)
        library = selectors.library_of(row)
        answer = {
            "id": row.pk,
            "status": selectors.status_of(row, now=clock.now()),
            "subdomain": row.subdomain,
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "library": shown(library) if library else None,
        }
        return Response(shapes.SignUpStatusSerializer(answer).data)


def shown(library: LibraryContext) -> dict[str, Any]:
    """A new library as its founder gets to know it."""
    return {
        "id": str(library.id),
        "name": library.name,
        "subdomain": library.subdomain,
        "url": addresses.library_url(library.subdomain),
        "status": library.status,
    }


def _validated(serializer_class: type[Any], request: Request) -> dict[str, Any]:
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
