"""Who may read the audit log reads the security events of their own site, and nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import in_library
from shared_apps.security.models import SecurityEvent
from tests.factories import NOW

pytestmark = pytest.mark.django_db
PATH = "/api/v1/security-events/"


@pytest.fixture
def events(north: Any, south: Any) -> None:
    with in_library(south):
        security_event(Kind.CODE_REFUSED, user_id=7, address="address:203.0.113.1", now=NOW)
    with in_library(north):
        security_event(Kind.CODE_REFUSED, user_id=7, address="address:192.0.2.1", reason="wrong", now=NOW)
        security_event(Kind.ROLE_GRANTED, user_id=8, by=Actor("person", 7), role="reader", now=NOW)
        security_event(Kind.TOKEN_REFUSED, address="address:2001:db8::", now=NOW)


@pytest.mark.usefixtures("events")
def test_an_admin_sees_those_of_the_library_the_newest_first(api: Any, north: Any) -> None:
    found = api(north, "admin").get(PATH).json()["results"]
    assert [row["kind"] for row in found] == ["token_refused", "role_granted", "code_refused"]
    assert found[2] == {
        **found[2],
        "user": "7",
        "address": "192.0.2.1",
        "count": 1,
        "at": "2026-11-20T09:30:00Z" if NOW.hour == 9 and NOW.minute == 30 else found[2]["at"],
        "actor": {"kind": "anonymous", "id": None, "label": "anonymous"},
        "facts": {"reason": "wrong"},
    }
    assert found[1]["actor"]["id"] == "7"
    assert found[0]["address"] == "2001:db8::"
    assert "203.0.113.1" not in str(found)


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("?kind=code_refused", ["code_refused"]),
        ("?user=7", ["role_granted", "code_refused"]),
        ("?user=8", ["role_granted"]),
        ("?kind=code_refused&user=8", []),
        ("?kind=visit_started", []),
    ],
)
def test_filters(api: Any, north: Any, query: str, kinds: list[str]) -> None:
    assert [row["kind"] for row in api(north, "admin").get(PATH + query).json()["results"]] == kinds


@pytest.mark.parametrize(
    "query", ["?kind=nothing", "?kind=", "?user=x", "?user=-1", "?user=" + "9" * 30, "?id=1"]
)
def test_what_is_no_filter_is_refused(api: Any, north: Any, query: str) -> None:
    answer = api(north, "admin").get(PATH + query)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_parameter", "unknown_parameter"}


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("reader", 403), ("librarian", 403)])
def test_others_see_nothing(api: Any, north: Any, role: str | None, status: int) -> None:
    answer = api(north, role).get(PATH)
    assert answer.status_code == status
    assert "192.0.2.1" not in answer.content.decode()


@pytest.mark.usefixtures("events")
def test_nobody_writes_or_deletes_by_it(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    with in_library(north):
        before = SecurityEvent.objects.count()
    for method in ("post", "put", "patch", "delete"):
        assert getattr(admin, method)(PATH, {}, format="json").status_code == 405
    with in_library(north):
        assert SecurityEvent.objects.count() == before


def test_a_page_costs_the_same_for_one_row_and_for_many(
    api: Any, north: Any, django_assert_max_num_queries: Any
) -> None:
    with in_library(north):
        for number in range(40):
            security_event(Kind.CSRF_REFUSED, address=f"address:192.0.2.{number}", now=NOW)
    admin = api(north, "admin")
    with django_assert_max_num_queries(6):
        assert len(admin.get(f"{PATH}?page_size=30").json()["results"]) == 30


# -- what leads to them, seen from outside ----------------------------------------------------------------------------


def kinds_of(library: Any) -> list[str]:
    with in_library(library):
        return list(SecurityEvent.objects.order_by("id").values_list("kind", flat=True))


def test_who_may_not_is_reported_and_who_is_nobody_is_not(api: Any, north: Any) -> None:
    assert api(north).get("/api/v1/settings/").status_code == 401
    assert kinds_of(north) == []
    assert api(north, "reader").get("/api/v1/settings/").status_code == 403
    with in_library(north):
        (row,) = SecurityEvent.objects.all()
    assert (row.kind, row.facts["route"], row.facts["method"]) == ("permission_denied", "settings", "GET")
    assert row.user_id == row.actor_user_id is not None


def test_a_card_number_in_a_path_is_in_no_event(api: Any, north: Any) -> None:
    assert api(north, "reader").get("/api/v1/patrons/by-card/C-SECRET-1/").status_code == 403
    with in_library(north):
        assert "SECRET" not in str(list(SecurityEvent.objects.values()))


def test_a_forged_form_is_reported(api: Any, north: Any) -> None:
    client = api(north)
    client.handler.enforce_csrf_checks = True
    form = {"identifier": "x", "password": "y"}
    assert client.post("/sign-in/", form, format="multipart").status_code == 403
    assert kinds_of(north) == ["csrf_refused"]


def test_a_token_past_its_time_is_nothing_to_report(api: Any, north: Any) -> None:
    from rest_framework_simplejwt.tokens import AccessToken

    from shared_apps.accounts.models import User

    with in_library(north):
        token = AccessToken.for_user(User.objects.get(email="reader@north.example"))
        token.set_exp(from_time=NOW.replace(year=2020))
        late = str(token)
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {late}")
    assert client.get("/api/v1/me/").status_code == 401
    assert kinds_of(north) == []
