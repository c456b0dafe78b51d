"""POST /api/v1/platform/libraries/ID/impersonate/ and the list of visits, on the platform's side."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.platform.models import Visit
from shared_apps.tenants.services.lifecycle import (
    close_library,
    restore_library,
    resume_library,
    suspend_library,
)
from tenant_apps.visits.models import Visit as LibraryVisit
from tests.factories import StaffRoleFactory
from tests.snapshots import differences, snapshot
from tests.tenant_apps.visits.visitors import PRIVATE, admit, begin, visitor

BODY = {"reason": "Ticket 118", "minutes": 30}
URL = "/api/v1/platform/visits/"


@pytest.fixture
def support(db: None) -> User:
    user: User = StaffRoleFactory(role="support", user__name="Stella Staff").user
    return user


def door(library: Any) -> str:
    return f"/api/v1/platform/libraries/{library.id}/impersonate/"


def test_the_answer_opens_the_library_at_its_address(public_api: Any, support: User, north: Any) -> None:
    answer = public_api(support).post(door(north), BODY, format="json")
    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"id", "token", "expires_at", "url"}
    assert told["url"].startswith("http://north.localhost")
    assert visitor(north, told["token"]).get(PRIVATE).status_code == 200
    row = Visit.objects.get(pk=told["id"])
    assert (row.staff_id, row.library_id, row.reason, row.access) == (
        support.pk,
        north.id,
        "Ticket 118",
        "read",
    )
    assert (row.expires_at - row.started_at).total_seconds() == 30 * 60
    (entry,) = AuditEntry.objects.filter(action="visit.began")
    assert (entry.actor_user_id, entry.changes["library"]) == (support.pk, str(north.id))
    assert entry.personal.values == {"reason": "Ticket 118"}
    with in_library(north):
        (theirs,) = LibraryVisit.objects.all()
        assert (str(theirs.pk), theirs.staff_name, theirs.reason) == (
            told["id"],
            "Stella Staff",
            "Ticket 118",
        )
        assert AuditEntry.objects.get(action="visit.began").actor_user_id is None


@pytest.mark.parametrize(
    "change",
    [
        {"minutes": 61},
        {"minutes": 0},
        {"minutes": -5},
        {"minutes": "30"},
        {"minutes": None},
        {"reason": ""},
        {"reason": "x" * 501},
        {"reason": "two\nlines"},
        {"access": "admin"},
        {"access": "none"},
        {"staff": "1"},
        {"token": "chosen"},
    ],
)
def test_a_reason_and_a_time_are_needed(public_api: Any, support: User, north: Any, change: Any) -> None:
    client, before = public_api(support), snapshot("lib_north", "public")
    assert client.post(door(north), {**BODY, **change}, format="json").status_code == 400
    assert differences(before, snapshot("lib_north", "public")) == {}


@pytest.mark.parametrize(("setting", "access"), [("none", "read"), ("none", "write"), ("read", "write")])
def test_a_library_is_entered_as_it_admits(
    public_api: Any, support: User, north: Any, setting: str, access: str
) -> None:
    admit(north, setting)
    client, before = public_api(support), snapshot("lib_north", "public")
    answer = client.post(door(north), {**BODY, "access": access}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "visit_not_admitted")
    assert differences(before, snapshot("lib_north", "public")) == {}
    admit(north, access)
    assert client.post(door(north), {**BODY, "access": access}, format="json").status_code == 201


def test_only_an_open_library_is_entered(
    public_api: Any, support: User, north: Any, south: Any, refresh_libraries: Any
) -> None:
    why: Any = {"reason": "unpaid", "by": _actor(support), "now": clock.now()}
    suspend_library(library_id=north.id, **why)
    close_library(library_id=south.id, **why)
    client = public_api(support)
    for library in (north, south):
        answer = client.post(door(library), BODY, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "library_not_open")
        with in_library(library):
            assert not LibraryVisit.objects.exists()
    unknown = f"/api/v1/platform/libraries/{uuid.uuid4()}/impersonate/"
    assert client.post(unknown, BODY, format="json").status_code == 404


def _actor(user: User) -> Any:
    from saas.core.principals import Actor

    return Actor("person", user_id=user.pk)


@pytest.mark.parametrize(
    ("stop", "go_on"), [(suspend_library, resume_library), (close_library, restore_library)]
)
def test_a_visit_that_ends_while_the_library_is_shut_stays_ended(
    public_api: Any, support: User, north: Any, refresh_libraries: Any, stop: Any, go_on: Any
) -> None:
    begun = begin(north)
    inside = visitor(north, begun.token)
    assert inside.get(PRIVATE).status_code == 200
    stop(library_id=north.id, reason="unpaid", by=_actor(support), now=clock.now())
    refresh_libraries()
    assert inside.get(PRIVATE).status_code in (402, 410)
    assert public_api(support).post(f"{URL}{begun.visit.pk}/end/", {}, format="json").status_code == 200
    assert Visit.objects.get().ended_at is not None
    go_on(library_id=north.id, reason="paid", by=_actor(support), now=clock.now())
    refresh_libraries()
    assert inside.get(PRIVATE).status_code == 401


def test_a_library_never_learns_the_address_of_staff(public_api: Any, north: Any) -> None:
    nameless = StaffRoleFactory(role="support", user__name="").user
    answer = public_api(nameless).post(door(north), BODY, format="json")
    assert visitor(north, answer.json()["token"]).get(PRIVATE).status_code == 200
    public_api(nameless).post(f"{URL}{answer.json()['id']}/end/", {}, format="json")
    with in_library(north):
        assert LibraryVisit.objects.get().staff_name == "platform staff"
        entries = AuditEntry.objects.filter(action__startswith="visit.")
        assert {entry.actor_label for entry in entries} == {"platform staff"}
        assert entries.count() == 3


def test_ending_is_repeated_without_effect(public_api: Any, support: User, north: Any) -> None:
    begun = begin(north)
    answers = [public_api(support).post(f"{URL}{begun.visit.pk}/end/", {}, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["ended_at"] == answers[1].json()["ended_at"] is not None
    assert AuditEntry.objects.filter(action="visit.ended").count() == 1
    with in_library(north):
        (entry,) = AuditEntry.objects.filter(action="visit.ended")
        # Somebody else of the staff: the library knows no name of theirs, and no id.
        assert (entry.actor_kind, entry.actor_user_id, entry.actor_label) == ("staff", None, "platform staff")
    assert public_api(support).post(f"{URL}{uuid.uuid4()}/end/", {}, format="json").status_code == 404


def test_the_list_costs_the_same_for_few_and_for_many(
    public_api: Any, support: User, north: Any, django_assert_num_queries: Any
) -> None:
    client = public_api(support)
    for count in (1, 2):
        for _visit in range(count):
            begin(north)
        with django_assert_num_queries(2):  # the caller, the page
            found = client.get(URL).json()["results"]
    assert len(found) == 3
    assert {row["subdomain"] for row in found} == {"north"}
    assert {row["staff_name"] for row in found} == {"Stella Staff"}
    assert "token" not in str(found)
