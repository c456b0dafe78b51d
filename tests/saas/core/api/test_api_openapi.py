"""The OpenAPI document says what our views declare, and is valid, without a warning."""

from typing import Any

import pytest
from django.urls import path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.response import Response

from saas.core import errors
from saas.core.api.openapi import ProblemAwareSchema
from saas.core.api.openapi_settings import SPECTACULAR_DEFAULTS
from saas.core.api.pagination import KeysetPagination
from saas.core.api.serializers import (
    CodeRelatedField,
    IdField,
    LanguageField,
    LineField,
    MoneyField,
    StrictSerializer,
    TimeZoneField,
    UtcDateTimeField,
)
from saas.core.api.views import ApiView, ApiViewSet

DEFAULTS = {name: value for name, value in SPECTACULAR_DEFAULTS.items() if not name.startswith("SERVE_")}


class LoanIn(StrictSerializer):
    barcode = LineField()
    branch = CodeRelatedField(queryset=[])


class LoanOut(StrictSerializer):
    id = IdField(read_only=True)
    due_at = UtcDateTimeField()
    fee = MoneyField()
    zone = TimeZoneField()
    language = LanguageField()
    kind = serializers.ChoiceField(choices=["loan", "in_house"])


class LoanSet(ApiViewSet):
    schema = ProblemAwareSchema()
    permissions = {
        "list": "loans.view",
        "create": "loans.lend",
        "retrieve": None,
        "partial_update": "loans.edit",
    }
    query_parameters = frozenset({"branch"})
    detail_query_parameters = frozenset({"at"})
    ordering_fields = ("due_at",)
    pagination_class = KeysetPagination
    serializer_class = LoanOut
    idempotent = True
    error_codes = {
        "create": (errors.Conflict, errors.ConfirmationRequired),
        "partial_update": (errors.PreconditionFailed, errors.PreconditionRequired),
    }
    examples = {
        "create": (
            OpenApiExample("Checkout", value={"barcode": "30001", "branch": "main"}, request_only=True),
        )
    }

    def list(self, request: Any) -> Response:
        raise NotImplementedError

    @extend_schema(request=LoanIn, responses={201: LoanOut})
    def create(self, request: Any) -> Response:
        raise NotImplementedError

    def retrieve(self, request: Any, pk: str) -> Response:
        raise NotImplementedError

    def partial_update(self, request: Any, pk: str) -> Response:
        raise NotImplementedError


class Me(ApiView):
    schema = ProblemAwareSchema()
    permissions = {"GET": None}

    @extend_schema(responses=LoanOut)
    def get(self, request: Any) -> Response:
        raise NotImplementedError


ROUTES = [
    path("api/v1/loans/", LoanSet.as_view({"get": "list", "post": "create"})),
    path(
        "api/v1/loans/<str:pk>/", LoanSet.as_view({"get": "retrieve", "patch": "partial_update"}, detail=True)
    ),
    path("api/v1/me/", Me.as_view()),
]


@pytest.fixture(scope="module")
def document() -> Any:
    GENERATOR_STATS.reset()
    with patched_settings(DEFAULTS):
        return SchemaGenerator(patterns=ROUTES).get_schema(request=None, public=True)


def operation(document: Any, address: str, method: str) -> Any:
    return document["paths"][f"/api/v1/{address}"][method]


def codes(found: Any, status: int) -> set[str]:
    return set(found["responses"][str(status)]["content"]["application/problem+json"]["examples"])


def test_it_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_it_is_made_without_a_warning(document: Any) -> None:
    assert (dict(GENERATOR_STATS._warn_cache), dict(GENERATOR_STATS._error_cache)) == ({}, {})


def test_declared_errors_stand_under_their_status(document: Any) -> None:
    checkout = operation(document, "loans/", "post")
    # The codes of Idempotency-Key belong to an app above this package: they are there once that is loaded.
    assert codes(checkout, 409) - {"idempotency_in_progress"} == {"conflict", "confirmation_required"}
    assert "confirmation_required" not in str(operation(document, "loans/", "get"))


def test_errors_that_come_with_the_shape(document: Any) -> None:
    listed, checkout = operation(document, "loans/", "get"), operation(document, "loans/", "post")
    one, me = operation(document, "loans/{id}/", "get"), operation(document, "me/", "get")
    assert {"invalid_cursor", "invalid_parameter", "unknown_parameter"} <= codes(listed, 400)
    assert {"validation_failed", "unknown_field", "malformed_json"} <= codes(checkout, 400)
    assert codes(checkout, 413) == {"body_too_large"}
    assert codes(listed, 403) == {"permission_denied", "mfa_enrolment_required"}
    assert codes(one, 404) == {"not_found"}
    assert "403" not in one["responses"]
    assert "404" not in me["responses"]
    for found in (listed, checkout, one, me):
        assert codes(found, 429) == {"rate_limited"}
        assert codes(found, 500) == {"internal_error"}


def test_problems_share_one_schema(document: Any) -> None:
    assert document["components"]["schemas"]["Problem"]["required"][0] == "type"
    checkout = operation(document, "loans/", "post")
    content = checkout["responses"]["409"]["content"]["application/problem+json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert content["examples"]["conflict"]["value"]["title"] == "Conflict"
    assert content["examples"]["confirmation_required"]["value"]["confirmations"]


def names(found: Any, place: str) -> set[str]:
    return {parameter["name"] for parameter in found.get("parameters", ()) if parameter["in"] == place}


def test_parameters(document: Any) -> None:
    listed, one = operation(document, "loans/", "get"), operation(document, "loans/{id}/", "get")
    assert names(listed, "query") == {"branch", "cursor", "page_size", "ordering"}
    assert names(one, "query") == {"at"}
    assert names(operation(document, "loans/", "post"), "query") == set()


def test_headers_of_shared_mechanisms(document: Any) -> None:
    assert names(operation(document, "loans/", "post"), "header") == {"Idempotency-Key"}
    assert names(operation(document, "loans/{id}/", "patch"), "header") == {"If-Match"}
    assert names(operation(document, "loans/", "get"), "header") == set()


def test_a_page_is_described(document: Any) -> None:
    content = operation(document, "loans/", "get")["responses"]["200"]["content"]["application/json"]
    name = content["schema"]["$ref"].rsplit("/", 1)[1]
    page = document["components"]["schemas"][name]
    assert page["required"] == ["next", "previous", "results"]


def test_examples_of_the_view(document: Any) -> None:
    body = operation(document, "loans/", "post")["requestBody"]["content"]["application/json"]
    assert body["examples"]["Checkout"]["value"] == {"barcode": "30001", "branch": "main"}


def test_shapes_of_our_fields(document: Any) -> None:
    loan = document["components"]["schemas"]["LoanOut"]["properties"]
    assert loan["id"]["type"] == "string"
    assert loan["due_at"] == {"type": "string", "format": "date-time"}
    assert loan["fee"]["required"] == ["amount", "currency"]


def test_anonymous_operations_say_so() -> None:
    class Open(Me):
        schema = ProblemAwareSchema()

    class Closed(Me):
        schema = ProblemAwareSchema()
        permissions = {"GET": "loans.view"}

    with patched_settings({**DEFAULTS, "SECURITY": [{"bearerToken": []}]}):
        routes = [path("api/v1/open/", Open.as_view()), path("api/v1/closed/", Closed.as_view())]
        made = SchemaGenerator(patterns=routes).get_schema(request=None, public=True)
    assert operation(made, "open/", "get")["security"][-1] == {}
    assert {} not in operation(made, "closed/", "get")["security"]
