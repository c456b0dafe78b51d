"""Pages of other origins call a library's API where the library lists them, and get no word of it otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.api.etags import etag_of
from saas.core.principals import SYSTEM
from saas.core.tenancy import hosts, in_library
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.delivery.services import relay
from tenant_apps.preferences import selectors, services
from tests.factories import NOW

pytestmark = pytest.mark.django_db
OURS, THEIRS = "https://www.north.example", "https://www.south.example"
ALLOW, CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"
EVIL = [
    "https://www.north.example.evil.example",
    "https://evil-www.north.example",
    "https://www.north.exampleevil.example",
    "https://sub.www.north.example",
    "https://north.example",
    "http://www.north.example",
    "https://www.north.example:8443",
    "https://www.north.example:443",
    "https://www.north.example/",
    "https://WWW.north.example",
    "https://www.north.example, https://evil.example",
    "https://www.north.example@evil.example",
    f"{OURS} {THEIRS}",
    "null",
    "*",
    "file://",
    "",
    "https://",
    "https://[",
    "http://south.localhost",
    "http://north.localhost",
    THEIRS,
]


def lists(library: Any, *origins: str) -> None:
    """Change the setting and let it reach the public site, as the outbox does."""
    with in_library(library):
        services.change(values={"allowed_origins": list(origins)}, by=SYSTEM, now=NOW)
        relay()
    forget_hosts()


@pytest.fixture
def listed(north: Any, south: Any) -> None:
    lists(north, "https://first.example", OURS)
    lists(south, THEIRS)


def ask(client: Any, origin: str, path: str = "/api/v1/titles/") -> Any:
    return client.get(path, headers={"origin": origin})


def preflight(client: Any, origin: str, method: str = "PATCH", path: str = "/api/v1/settings/") -> Any:
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,if-match,content-type",
    }
    return client.options(path, headers=headers)


@pytest.mark.usefixtures("listed")
def test_a_listed_origin_may_read_the_answer(api: Any, north: Any, south: Any) -> None:
    for library, origin in ((north, OURS), (south, THEIRS)):
        answer = ask(api(library), origin)
        assert (answer.status_code, answer[ALLOW]) == (200, origin)
        assert "origin" in answer["Vary"].lower()
        assert "ETag" in answer["Access-Control-Expose-Headers"]
        assert CREDENTIALS not in answer


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("origin", EVIL)
def test_no_other_origin_may(api: Any, north: Any, origin: str) -> None:
    for answer in (ask(api(north), origin), preflight(api(north), origin)):
        assert answer.status_code == 200
        assert ALLOW not in answer
        assert CREDENTIALS not in answer
        # A cache must not give one origin what another one was answered.
        assert "origin" in answer["Vary"].lower()


@pytest.mark.usefixtures("listed")
def test_a_preflight_needs_no_sign_in_and_says_what_may_be_sent(api: Any, north: Any) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = preflight(api(north), OURS, method)
        assert (answer.status_code, answer[ALLOW], answer.content) == (200, OURS, b"")
        assert method in answer["Access-Control-Allow-Methods"]
        allowed = answer["Access-Control-Allow-Headers"]
        assert all(name in allowed for name in ("authorization", "if-match", "idempotency-key"))
        # Without it no page elsewhere can use a cookie, whatever a browser is made to send.
        assert "csrf" not in allowed.lower()
        assert answer["Access-Control-Max-Age"] == "600"
        assert CREDENTIALS not in answer


@pytest.mark.usefixtures("listed")
def test_the_request_after_the_preflight_is_checked_as_any_other(api: Any, north: Any) -> None:
    body = {"contact_email": "desk@north.example"}
    refused = api(north).patch("/api/v1/settings/", body, format="json", headers={"origin": OURS})
    assert (refused.status_code, refused[ALLOW]) == (401, OURS)
    with in_library(north):
        tag = etag_of(selectors.current())
    headers = {"origin": OURS, "if-match": tag}
    changed = api(north, "admin").patch("/api/v1/settings/", body, format="json", headers=headers)
    assert (changed.status_code, changed[ALLOW]) == (200, OURS)


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("path", ["/", "/sign-in/", "/static/core/site.css", "/api/docs/", "/health/live/"])
def test_pages_and_files_are_for_the_site_itself(api: Any, north: Any, path: str) -> None:
    answer = ask(api(north), OURS, path)
    if answer.streaming:
        list(answer.streaming_content)
    assert answer.status_code == 200
    assert ALLOW not in answer


@pytest.mark.usefixtures("listed")
def test_the_public_site_lists_nobody(public_api: Any) -> None:
    for origin in (OURS, THEIRS):
        assert ALLOW not in ask(public_api(), origin, "/api/v1/plans/")
        assert ALLOW not in preflight(public_api(), origin, "POST", "/api/v1/signup/")


@pytest.mark.usefixtures("listed")
def test_it_costs_no_query(api: Any, north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "_cache", hosts.HostCache(10, 60, 60))
    client = api(north)

    def statements(**headers: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/api/v1/branches/", headers=headers).status_code == 200
        return len(seen)

    statements()
    assert statements() == statements(origin=OURS) == statements(origin="https://evil.example")
    with CaptureQueriesContext(connection) as seen:
        preflight(client, OURS)
    assert [query for query in seen if "search_path" not in query["sql"]] == []


@pytest.mark.usefixtures("listed")
def test_what_is_taken_off_the_list_is_refused_at_once(api: Any, north: Any, south: Any) -> None:
    lists(north, "https://first.example")
    assert ALLOW not in ask(api(north), OURS)
    assert ask(api(north), "https://first.example")[ALLOW] == "https://first.example"
    assert ask(api(south), THEIRS)[ALLOW] == THEIRS


def test_admins_list_origins_and_wrong_ones_are_named(api: Any, north: Any) -> None:
    admin = api(north, "admin")
    shown = admin.get("/api/v1/settings/")
    assert shown.json()["allowed_origins"] == []
    wrong = admin.patch(
        "/api/v1/settings/",
        {"allowed_origins": [OURS, "https://*.example.org"]},
        format="json",
        headers={"if-match": shown["ETag"]},
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "allowed_origins")
    assert wrong.json()["errors"][0]["code"] == "invalid_origin"
    right = admin.patch(
        "/api/v1/settings/",
        {"allowed_origins": [OURS]},
        format="json",
        headers={"if-match": shown["ETag"]},
    )
    assert right.json()["allowed_origins"] == [OURS]
