"""The base of pages: nothing is open by accident, refusals are pages, and no link leads a person elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from saas.core.errors import InvalidCursor, NotFound
from saas.core.pages import Page, listed, own_path, sign_in_address
from saas.core.principals import Principal
from saas.core.tenancy import in_library


class Open(Page):
    permissions: ClassVar = {"GET": None}

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("open")

    def post(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError("nothing is declared for it")


class Members(Open):
    members_only = True


class Lenders(Open):
    permissions: ClassVar = {"GET": "circulation.lend"}


class Missing(Open):
    def get(self, request: HttpRequest) -> HttpResponse:
        raise NotFound


class Broken(Open):
    def get(self, request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError


@pytest.fixture(autouse=True)
def _no_rows_of_events(settings: Any) -> None:
    """Most of these tests have no database to keep what is refused."""
    settings.SECURITY_RECORDER = None


NOBODY = Principal()
READER = Principal(user_id=3, permissions=frozenset({"catalog.view"}))
AT_ONE_BRANCH = Principal(user_id=4, branch_permissions={7: frozenset({"circulation.lend"})})


def ask(page: type[Page], principal: Principal = NOBODY, method: str = "GET", path: str = "/x/?a=1") -> Any:
    request = RequestFactory().generic(method, path)
    request.user = AnonymousUser()
    request._principal = principal  # type: ignore[attr-defined]
    return page.as_view()(request)


@pytest.mark.parametrize(
    ("page", "principal", "status"),
    [
        (Open, NOBODY, 200),
        (Members, NOBODY, 303),
        (Members, READER, 200),
        (Lenders, NOBODY, 303),
        (Lenders, READER, 403),
        (Lenders, AT_ONE_BRANCH, 200),
    ],
)
def test_who_gets_in(page: type[Page], principal: Principal, status: int) -> None:
    assert ask(page, principal).status_code == status
    assert ask(page, principal, "HEAD").status_code == status


def test_what_is_not_declared_is_refused() -> None:
    assert ask(Open, READER, "POST").status_code == 403
    assert ask(Open, NOBODY, "POST").status_code == 403


def test_other_methods_are_not_there() -> None:
    answer = ask(Open, READER, "DELETE")
    assert answer.status_code == 405
    assert "DELETE" not in answer["Allow"]
    assert ask(Open, NOBODY, "OPTIONS").status_code == 200


def test_a_refusal_becomes_a_page_and_a_bug_stays_a_bug() -> None:
    answer = ask(Missing)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    with pytest.raises(ZeroDivisionError):
        ask(Broken)


def test_signing_in_leads_back_to_where_one_was() -> None:
    make = RequestFactory()
    assert (
        sign_in_address(make.get("/patrons/?search=a b")) == "/sign-in/?next=%2Fpatrons%2F%3Fsearch%3Da%2520b"
    )
    assert (
        sign_in_address(make.post("/desk/checkouts/", {"card": "C-1"}))
        == "/sign-in/?next=%2Fdesk%2Fcheckouts%2F"
    )
    assert sign_in_address(make.get("/sign-out/")) == "/sign-in/"


@pytest.mark.parametrize("path", ["/", "/titles/1/", "/?q=a&page=2", "/a?next=//evil.example"])
def test_paths_of_our_own(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "address",
    [None, "", "x", "//evil.example", "https://evil.example", "/\\evil.example", "/sign-in/", "/" * 2001],
)
def test_other_addresses(address: str | None) -> None:
    assert own_path(address) is None


# -- lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_list_goes_on_by_position(north: Any, django_assert_num_queries: Any) -> None:
    from tenant_apps.branches.models import Branch

    with in_library(north):
        Branch.objects.all().delete()
        for at in range(5):
            Branch.objects.create(code=f"b{at}", name=f"Branch {at}", time_zone="UTC")
        make = RequestFactory(HTTP_HOST="north.localhost")
        with django_assert_num_queries(1):
            first = listed(make.get("/list/?search=x"), Branch.objects.all(), ordering="name", size=2)
        assert [row.code for row in first.rows] == ["b0", "b1"]
        assert first.previous == ""
        second = listed(make.get(first.next), Branch.objects.all(), ordering="name", size=2)
        assert [row.code for row in second.rows] == ["b2", "b3"]
        assert "search=x" in second.next
        back = listed(make.get(second.previous), Branch.objects.all(), ordering="name", size=2)
        assert [row.code for row in back.rows] == ["b0", "b1"]
        with pytest.raises(InvalidCursor):
            listed(
                make.get("/other/?" + first.next.split("?")[1]), Branch.objects.all(), ordering="name", size=2
            )


# -- what the middleware does for them ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_form_that_is_too_large_is_refused_before_it_is_read(north: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.IMPORT_MAX_BYTES = 1000, 10_000
    client = Client(HTTP_HOST="north.localhost", enforce_csrf_checks=True)

    def post(path: str, size: int) -> Any:
        # The announced length alone: were the body read, its end would be missed.
        return client.post(
            path, b"", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(size)
        )

    answer = post("/sign-in/", 1001)
    assert answer.status_code == 413
    assert answer["Content-Type"].startswith("text/html")
    assert post("/imports/", 10_000 + 64 * 1024 + 1).status_code == 413
    # Within its own limit an upload gets as far as the question who sends it.
    assert post("/imports/", 10_000).status_code == 303


@pytest.mark.django_db
def test_a_page_that_asks_nobody_costs_no_query(north: Any) -> None:
    from django.db import connection

    client = Client(HTTP_HOST="north.localhost")
    client.get("/api/problems/not_found/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get("/api/problems/not_found/", HTTP_COOKIE="sessionid=abc").status_code == 200
    assert [query["sql"] for query in queries if "session" in query["sql"]] == []
