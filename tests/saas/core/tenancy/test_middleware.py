"""What a library's status allows, and that a request leaves no schema behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from saas.core.tenancy import current_schema, in_public
from saas.core.tenancy.middleware import LibraryMiddleware


def set_status(library: Any, status: str) -> None:
    from shared_apps.tenants.models import Library

    with in_public():
        Library.objects.filter(pk=library.id).update(status=status)


@pytest.mark.django_db
def test_an_unknown_host_is_a_404_problem_without_any_other_name() -> None:
    answer = Client(HTTP_HOST="nowhere.localhost").get(
        "/api/v1/search/", headers={"accept": "application/json"}
    )
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["code"] == "library_not_found"
    assert "north" not in answer.content.decode()


@pytest.mark.parametrize(
    ("status", "method", "path", "expected"),
    [
        ("active", "GET", "/api/v1/titles/", 200),
        ("past_due", "GET", "/api/v1/titles/", 200),
        ("restricted", "GET", "/api/v1/titles/", 200),
        ("restricted", "POST", "/api/v1/titles/", 402),
        ("suspended", "GET", "/api/v1/titles/", 402),
        ("suspended", "GET", "/health/live/", 200),
        ("suspended", "POST", "/api/v1/auth/login/", 400),
        ("closed", "GET", "/api/v1/titles/", 410),
        ("closed", "POST", "/api/v1/auth/login/", 410),
        ("provisioning", "GET", "/api/v1/titles/", 404),
    ],
)
def test_status_decides(
    north: Any, api: Callable[..., Any], status: str, method: str, path: str, expected: int
) -> None:
    client = api(north, None if "auth" in path else "librarian")
    set_status(north, status)
    answer = client.generic(method, path, "{}", content_type="application/json")
    assert answer.status_code == expected
    if expected in {402, 410}:
        code = {
            "suspended": "library_suspended",
            "restricted": "library_restricted",
            "closed": "library_closed",
        }
        assert answer.json()["code"] == code[status]


def test_the_other_library_is_not_affected(north: Any, south: Any, api: Callable[..., Any]) -> None:
    client = api(south, "librarian")
    set_status(north, "suspended")
    assert client.get("/api/v1/titles/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/api/v1/titles/"])
def test_a_database_that_is_away_is_a_503_before_the_library_is_known(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def away(host: str) -> Any:
        raise OperationalError("connection to db.internal.example refused")

    monkeypatch.setattr("shared_apps.tenants.selectors.find_library", away)
    answer = Client(HTTP_HOST="north.localhost", raise_request_exception=False).get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "db.internal.example" not in answer.content.decode()


@pytest.mark.parametrize(("host", "status"), [("nowhere", "active"), ("north", "suspended")])
def test_the_page_of_an_early_refusal_may_load_its_style(north: Any, host: str, status: str) -> None:
    set_status(north, status)
    page = Client(HTTP_HOST=f"{host}.localhost").get("/")
    assert "site.css" in page.content.decode()
    assert "style-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("host", "status", "has_start"),
    [
        ("nowhere", "active", False),
        ("north", "suspended", False),
        ("north", "closed", False),
        ("north", "restricted", True),
    ],
)
def test_the_page_says_more_than_its_title_and_leads_to_nothing_that_refuses_too(
    north: Any, host: str, status: str, has_start: bool
) -> None:
    set_status(north, status)
    content = Client(HTTP_HOST=f"{host}.localhost", HTTP_ACCEPT="text/html").post("/desk/").content.decode()
    (title,), (lede,) = (re.findall(rf"<{tag}>([^<]+)<", content) for tag in ("h1", 'p class="lede"'))
    assert lede != title
    assert ('class="button secondary" href="/"' in content) is has_start


def test_a_view_that_fails_leaves_the_public_schema(north: Any) -> None:
    def fail(request: Any) -> Any:
        assert current_schema() == "lib_north"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LibraryMiddleware(fail)(RequestFactory().get("/", HTTP_HOST="north.localhost"))
    assert current_schema() == "public"


def test_a_streamed_body_is_read_in_its_library(north: Any) -> None:
    from django.http import StreamingHttpResponse

    def lines() -> Any:
        yield current_schema()

    response = LibraryMiddleware(lambda request: StreamingHttpResponse(lines()))(
        RequestFactory().get("/", HTTP_HOST="north.localhost")
    )
    assert b"".join(response.streaming_content) == b"lib_north"  # type: ignore[attr-defined]
    response.close()
    assert current_schema() == "public"
