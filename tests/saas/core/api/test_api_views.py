"""What a view does not declare it refuses; who may not see a row learns nothing of it."""

import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView

from saas.core.api.lookups import visible_or_404
from saas.core.api.pagination import KeysetPagination
from saas.core.api.permissions import HasDeclaredPermission
from saas.core.api.views import ApiBehaviour, ApiView, ApiViewSet, undeclared_handlers
from saas.core.errors import NotFound

Call = Callable[..., Any]


class Loans(ApiView):
    permissions = {"GET": "titles.view", "POST": "loans.lend", "PATCH": None}
    query_parameters = frozenset({"barcode", "branch"})

    def get(self, request: Any) -> Response:
        return Response({"user": self.principal.user_id})

    def post(self, request: Any) -> Response:
        return Response({"lent": request.data}, status=201)

    def patch(self, request: Any) -> Response:
        return Response({"open": True})

    def delete(self, request: Any) -> Response:
        raise AssertionError("a method that declares no permission must not run")


class LoanSet(ApiViewSet):
    permissions = {"list": "titles.view", "retrieve": None, "renew": "loans.lend"}
    query_parameters = frozenset({"branch"})
    detail_query_parameters = frozenset({"at"})
    pagination_class = KeysetPagination

    def list(self, request: Any) -> Response:
        return Response([])

    def retrieve(self, request: Any, pk: str) -> Response:
        return Response({"pk": self.get_object().pk})

    def destroy(self, request: Any, pk: str) -> Response:
        raise AssertionError("an action that declares no permission must not run")

    @action(detail=True, methods=["post"])
    def renew(self, request: Any, pk: str) -> Response:
        return Response({"renewed": pk})

    def get_queryset(self) -> Any:
        return VISIBLE


class Rows:
    def __init__(self, *rows: Any) -> None:
        self.rows = rows
        self.asked: list[Any] = []

    def filter(self, **wanted: Any) -> "Rows":
        self.asked.append(wanted)
        return Rows(*(r for r in self.rows if all(getattr(r, k) == v for k, v in wanted.items())))

    def first(self) -> Any:
        return self.rows[0] if self.rows else None


VISIBLE = Rows(SimpleNamespace(pk=5, barcode="b5"))


# -- permissions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "by", "status"),
    [
        ("get", "", 200),
        ("get", "reader", 200),
        ("get", "branch", 403),
        ("head", "reader", 200),
        ("head", "branch", 403),
        ("post", "", 401),
        ("post", "reader", 403),
        ("post", "librarian", 201),
        ("post", "branch", 201),
        ("patch", "", 200),
        ("patch", "branch", 200),
        ("delete", "", 403),
        ("delete", "librarian", 403),
        ("put", "librarian", 405),
        ("options", "librarian", 405),
        ("trace", "librarian", 405),
    ],
)
def test_methods_of_a_view(call: Call, method: str, by: str, status: int) -> None:
    assert call(Loans, method, by=by).status_code == status


@pytest.mark.parametrize(
    ("actions", "method", "by", "status"),
    [
        ({"get": "list"}, "get", "reader", 200),
        ({"get": "list"}, "head", "reader", 200),
        ({"get": "list"}, "get", "branch", 403),
        ({"get": "list"}, "post", "librarian", 405),
        ({"get": "retrieve", "delete": "destroy"}, "get", "", 200),
        ({"get": "retrieve", "delete": "destroy"}, "delete", "librarian", 403),
        ({"post": "renew"}, "post", "librarian", 200),
        ({"post": "renew"}, "post", "branch", 200),
        ({"post": "renew"}, "post", "reader", 403),
        ({"post": "renew"}, "post", "", 401),
        ({"post": "renew"}, "options", "librarian", 405),
    ],
)
def test_actions_of_a_view_set(
    call: Call, actions: dict[str, str], method: str, by: str, status: int
) -> None:
    path = {} if "list" in actions.values() else {"pk": "5"}
    response = call(LoanSet, method, by=by, actions=actions, detail=bool(path), **path)
    assert response.status_code == status


def test_a_view_that_declares_nothing_refuses_everybody(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    class Forgotten(ApiView):
        def get(self, request: Any) -> Response:
            raise AssertionError("must not run")

    with caplog.at_level(logging.ERROR):
        assert call(Forgotten, by="librarian").status_code == 403
    assert "no permission is declared for GET" in caplog.text


def test_without_the_permission_class_the_same_call_would_run(call: Call) -> None:
    class Unchecked(Loans):
        permission_classes = []

    assert call(Unchecked, "post", by="reader").status_code == 201
    assert Loans.permission_classes == [HasDeclaredPermission]


def test_undeclared_handlers_are_found() -> None:
    assert undeclared_handlers(Loans) == ["DELETE"]
    assert undeclared_handlers(LoanSet) == ["destroy"]


def test_a_view_of_another_package_can_be_tamed(call: Call) -> None:
    class Foreign(APIView):
        def post(self, request: Any) -> Response:
            return Response({"foreign": True})

    class Tamed(ApiBehaviour, Foreign):
        permissions = {"POST": "loans.lend"}

    assert call(Tamed, "post", by="reader").status_code == 403
    response = call(Tamed, "post", by="librarian")
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")


# -- parameters --------------------------------------------------------------------------------------------------


def test_the_principal_is_at_hand(call: Call) -> None:
    assert json.loads(call(Loans, by="reader").content) == {"user": 9}


def test_declared_parameters_pass(call: Call) -> None:
    assert call(Loans, address="/api/v1/loans/?barcode=1&branch=main").status_code == 200


@pytest.mark.parametrize(
    ("query", "code", "field", "said"),
    [
        ("barcod=1", "unknown_parameter", "barcod", 'Did you mean "barcode"?'),
        ("xyz=1", "unknown_parameter", "xyz", 'Unknown query parameter "xyz".'),
        ("format=api", "unknown_parameter", "format", "format"),
        ("_connector=OR", "unknown_parameter", "_connector", "_connector"),
        ("barcode__regex=(a%2B)%2B", "unknown_parameter", "barcode__regex", "barcode"),
        ("barcode=1&barcode=2", "invalid_parameter", "barcode", "only once"),
        ("barcode=%00", "invalid_parameter", "barcode", "character"),
        ("barcode=a%0d%0ab", "invalid_parameter", "barcode", "character"),
        ("barcode=" + "x" * 5000, "invalid_parameter", "barcode", "too long"),
    ],
)
def test_unknown_and_repeated_parameters(call: Call, query: str, code: str, field: str, said: str) -> None:
    response = call(Loans, address=f"/api/v1/loans/?{query}")
    assert (response.status_code, response.data["code"]) == (400, code)
    assert response.data["errors"][0]["field"] == field
    assert said in response.data["detail"]


def test_what_changes_something_takes_no_parameters(call: Call) -> None:
    assert call(Loans, "post", "/api/v1/loans/?branch=main", by="librarian").status_code == 400


@pytest.mark.parametrize(
    ("actions", "query", "status"),
    [
        ({"get": "list"}, "branch=main&page_size=5", 200),
        ({"get": "list"}, "at=now", 400),
        ({"get": "retrieve"}, "at=now", 200),
        ({"get": "retrieve"}, "branch=main", 400),
        ({"get": "retrieve"}, "cursor=x", 400),
    ],
)
def test_parameters_of_list_and_record(call: Call, actions: dict[str, str], query: str, status: int) -> None:
    path = {"pk": "5"} if "retrieve" in actions.values() else {}
    address = f"/api/v1/loans/?{query}"
    response = call(LoanSet, "get", address, by="reader", actions=actions, detail=bool(path), **path)
    assert response.status_code == status


def test_many_unknown_parameters_make_a_short_answer(call: Call) -> None:
    query = "&".join(f"p{n}=1" for n in range(150))
    response = call(Loans, address=f"/api/v1/loans/?{query}")
    assert len(response.data["errors"]) == 10
    flood = "&".join(f"p{n}=1" for n in range(10_000))
    assert call(Loans, address=f"/api/v1/loans/?{flood}").data["code"] == "too_many_fields"


# -- rows ----------------------------------------------------------------------------------------------------------


def test_missing_hidden_and_impossible_rows_answer_byte_for_byte_alike(call: Call) -> None:
    def body(pk: str) -> Any:
        response = call(LoanSet, actions={"get": "retrieve"}, detail=True, pk=pk)
        assert response.status_code == 404
        return response.content

    assert len({body(pk) for pk in ("6", "x", "0", str(2**70), "5\x00", "../5")}) == 1
    assert call(LoanSet, actions={"get": "retrieve"}, detail=True, pk="5").status_code == 200


def test_a_row_by_another_name() -> None:
    rows: Any = Rows(SimpleNamespace(pk=5, barcode="b5"))
    assert visible_or_404(rows, "barcode", "b5").pk == 5
    for wrong in ("b6", "b5\x00", "x" * 1000):
        with pytest.raises(NotFound):
            visible_or_404(rows, "barcode", wrong)
    assert rows.asked == [{"barcode": "b5"}, {"barcode": "b6"}]


# -- headers and bodies --------------------------------------------------------------------------------------------


def test_answers_are_private_unless_the_view_says_otherwise(call: Call) -> None:
    class Public(Loans):
        cache_control = "public, max-age=60"

    assert call(Loans)["Cache-Control"] == "no-store"
    assert call(Public)["Cache-Control"] == "public, max-age=60"
    assert call(raising_view(NotFound()))["Cache-Control"] == "no-store"


def raising_view(error: Exception) -> type[ApiView]:
    class Raising(ApiView):
        permissions = {"GET": None}

        def get(self, request: Any) -> Response:
            raise error

    return Raising


def test_a_body_is_parsed_strictly(call: Call) -> None:
    good = call(Loans, "post", by="librarian", body=b'{"copy_barcode": "1"}')
    assert (good.status_code, json.loads(good.content)) == (201, {"lent": {"copy_barcode": "1"}})
    bad = call(Loans, "post", by="librarian", body=b'{"a": 1, "a": 2}')
    assert (bad.status_code, bad.data["code"]) == (400, "malformed_json")
    assert (bad.data["line"], bad.data["column"]) == (1, 10)


def test_a_form_is_not_read_where_json_is_asked_for(call: Call) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = call(Loans, "post", by="librarian", body=b"a=1", headers=headers)
    assert (response.status_code, response.data["code"]) == (415, "unsupported_media_type")


def test_parts_of_a_view_are_made_once_and_allow_names_its_own_methods(call: Call) -> None:
    class Other(Loans):
        http_method_names = ("get", "patch")

    first, second = Loans(), Loans()
    for part in ("get_parsers", "get_authenticators", "get_permissions"):
        assert getattr(first, part)() == getattr(second, part)()
        getattr(first, part)().clear()
        assert getattr(second, part)(), "a view's list is its own"
    assert call(Loans, by="librarian")["Allow"] == "GET, POST, PATCH, DELETE"
    assert call(Other, by="librarian")["Allow"] == "GET, PATCH"
