"""Each request of a visit is in the library's log and in the platform's, whatever became of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from saas.core.tenancy import in_library, in_public
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from tenant_apps.visits.services import REQUESTED
from tests.factories import CardFactory
from tests.tenant_apps.visits.visitors import PRIVATE, begin, delivered, requests_in_log, visitor


def told(entry: AuditEntry) -> tuple[str, str, int]:
    return (entry.changes["method"], entry.changes["path"], entry.changes["status"])


def test_both_logs_know_each_request(north: Any) -> None:
    begun = begin(north)
    client = visitor(north, begun.token)
    answers = [
        client.get(f"{PRIVATE}"),
        client.get("/api/v1/titles/?page_size=7"),
        client.get("/api/v1/titles/999999999/"),
        client.get("/api/v1/nothing/"),
        client.get("/api/v1/roles/"),
        client.get("/api/v1/titles/", headers={"Accept": "image/png"}),
        client.head("/api/v1/titles/"),
        client.post("/api/v1/branches/", {"code": "x", "name": "X"}, format="json"),
        client.generic("BREW", "/api/v1/branches/"),
        client.get("/"),
    ]
    expected = [
        ("GET", "/api/v1/settings/", 200),
        ("GET", "/api/v1/titles/", 200),
        ("GET", "/api/v1/titles/999999999/", 404),
        ("GET", "/api/v1/nothing/", 404),
        ("GET", "/api/v1/roles/", 403),
        ("GET", "/api/v1/titles/", 406),
        ("HEAD", "/api/v1/titles/", 200),
        ("POST", "/api/v1/branches/", 403),
        ("BREW", "/api/v1/branches/", 403),
        ("GET", "/", 200),
    ]
    ours = requests_in_log(north)
    assert [told(entry) for entry in ours] == expected
    assert [entry.request_id for entry in ours] == [answer["X-Request-ID"] for answer in answers]
    assert {(entry.actor_kind, entry.actor_user_id, entry.actor_label) for entry in ours} == {
        ("staff", None, "Stella Staff")
    }
    assert {(entry.target_type, entry.target_id) for entry in ours} == {("visits.visit", str(begun.visit.pk))}
    assert requests_in_log(None) == []
    delivered(north)
    theirs = requests_in_log(None)
    assert [told(entry) for entry in theirs] == expected
    assert [(e.request_id, e.at) for e in theirs] == [(e.request_id, e.at) for e in ours]
    assert {(e.actor_kind, e.actor_user_id) for e in theirs} == {("staff", begun.visit.staff_id)}
    assert {e.changes["library"] for e in theirs} == {str(north.id)}


def test_a_message_that_comes_twice_is_written_once(north: Any) -> None:
    visitor(north, begin(north).token).get(PRIVATE)
    delivered(north)
    with in_library(north):
        OutboxMessage.objects.filter(kind=REQUESTED).update(delivered_at=None)
        assert relay() == 1
    assert len(requests_in_log(None)) == 1


def test_a_request_that_breaks_is_recorded(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenant_apps.preferences.api import views

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError

    token = begin(north).token
    monkeypatch.setattr(views.SettingsView, "get", broken)
    client = visitor(north, token, raise_request_exception=False)
    assert client.get(PRIVATE).status_code == 500
    assert [told(entry) for entry in requests_in_log(north)] == [("GET", PRIVATE, 500)]
    delivered(north)
    assert [told(entry) for entry in requests_in_log(None)] == [("GET", PRIVATE, 500)]


@pytest.mark.parametrize("part", ["audit.record", "publish"])
def test_no_answer_leaves_without_its_record(north: Any, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    """Half a record is none: the entry and its message come together."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise DatabaseError("no disk")

    token = begin(north).token
    monkeypatch.setattr(f"tenant_apps.visits.services.{part}", broken)
    client = visitor(north, token, raise_request_exception=False)
    answer = client.get(PRIVATE)
    assert answer.status_code >= 500
    assert north.name not in answer.content.decode()
    with in_library(north):
        assert not AuditEntry.objects.filter(action="visit.request").exists()
        assert not OutboxMessage.objects.filter(kind=REQUESTED).exists()
    monkeypatch.undo()
    assert visitor(north, token).get(PRIVATE).status_code == 200


def test_card_numbers_and_queries_are_in_no_log(north: Any) -> None:
    token = begin(north).token
    with in_library(north):
        card = CardFactory(number="C-very-secret-1")
    client = visitor(north, token)
    assert client.get(f"/api/v1/patrons/by-card/{card.number}/").status_code == 200
    assert client.get("/api/v1/search/?q=very-secret-2").status_code == 200
    assert client.get(f"/api/v1/patrons/{card.patron_id}/").status_code == 200
    paths = ["/api/v1/patrons/by-card/{card}/", "/api/v1/search/", f"/api/v1/patrons/{card.patron_id}/"]
    delivered(north)
    for library in (north, None):
        assert [entry.changes["path"] for entry in requests_in_log(library)] == paths
    for where in (in_library(north), in_public()):
        with where:
            assert not [
                e
                for e in AuditEntry.objects.filter(action="visit.request")
                if "very-secret" in str(e.changes)
            ]


@pytest.mark.parametrize(
    "path", ["/api/v1/%00/", "/api/v1/%0a%1b[31m/", "/" + "x" * 3000, "/%ff%fe/", "/%ed%a0%80/"]
)
def test_a_path_of_any_kind_can_be_recorded(north: Any, path: str) -> None:
    assert visitor(north, begin(north).token).get(path).status_code == 404
    (entry,) = requests_in_log(north)
    assert entry.changes["path"].isprintable()
    assert len(entry.changes["path"]) <= 300


def test_whoever_has_no_good_token_is_in_no_log_of_visits(north: Any, api: Any) -> None:
    begin(north)
    assert visitor(north, "x" * 43).get(PRIVATE).status_code == 401
    assert api(north, "admin").get(PRIVATE).status_code == 200
    assert requests_in_log(north) == []


def test_what_a_visit_changes_is_audited_under_its_name(north: Any) -> None:
    from tests.tenant_apps.visits.visitors import admit

    admit(north, "write")
    client = visitor(north, begin(north, "write").token)
    answer = client.post(
        "/api/v1/branches/", {"code": "annex", "name": "Annex", "time_zone": "Europe/Rome"}, format="json"
    )
    assert answer.status_code == 201
    with in_library(north):
        made = AuditEntry.objects.get(action="branch.created", request_id=answer["X-Request-ID"])
    assert (made.actor_kind, made.actor_user_id, made.actor_label) == ("staff", None, "Stella Staff")
    assert [told(entry) for entry in requests_in_log(north)] == [("POST", "/api/v1/branches/", 201)]
