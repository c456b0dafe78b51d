"""POST /api/v1/platform/libraries/ID/suspend/ and its like, for staff who may manage."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.tenants.models import Library
from tests.factories import StaffRoleFactory
from tests.snapshots import differences, snapshot

BODY = {"reason": "Invoice 114 is unpaid"}


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_user(
        "operator@platform.example", "correct-horse-battery", is_staff=True, is_superuser=True
    )


def address(library: Any, command: str = "") -> str:
    return f"/api/v1/platform/libraries/{library.id}/" + (f"{command}/" if command else "")


def test_from_suspending_to_restoring(public_api: Any, operator: User, north: Any, api: Any) -> None:
    client, reader = public_api(operator), api(north, "reader")
    for command, status, seen in (
        ("suspend", "suspended", 402),
        ("suspend", "suspended", 402),
        ("resume", "active", 200),
        ("resume", "active", 200),
        ("restrict", "restricted", 200),
        ("close", "closed", 410),
        ("close", "closed", 410),
        ("restore", "restricted", 200),
        ("restore", "restricted", 200),
        ("resume", "active", 200),
    ):
        answer = client.post(address(north, command), BODY, format="json")
        assert (answer.status_code, answer.json()) == (200, {"id": str(north.id), "status": status}), command
        assert client.get(address(north)).json()["status"] == status
        assert reader.get("/api/v1/titles/").status_code == seen
    entries = AuditEntry.objects.filter(target_id=str(north.id))
    assert entries.count() == 6, "what was repeated is recorded once"
    assert set(entries.values_list("actor_user_id", flat=True)) == {operator.pk}
    assert entries.first().personal.values == BODY  # type: ignore[union-attr]


@pytest.mark.parametrize("command", ["suspend", "resume", "restrict"])
def test_what_cannot_follow_is_a_conflict_and_changes_nothing(
    public_api: Any, operator: User, north: Any, command: str
) -> None:
    client = public_api(operator)
    client.post(address(north, "close"), BODY, format="json")
    before = snapshot("public")
    answer = client.post(address(north, command), BODY, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    assert answer.json()["library_status"] == "closed"
    assert differences(before, snapshot("public")) == {}


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": 7}, {"reason": "x" * 501}, {"reason": "x", "status": "active"}]
)
def test_a_reason_is_needed(public_api: Any, operator: User, north: Any, body: Any) -> None:
    answer = public_api(operator).post(address(north, "suspend"), body, format="json")
    assert answer.status_code == 400
    assert Library.objects.get(pk=north.id).status == "active"


def test_a_library_that_there_is_not(public_api: Any, operator: User) -> None:
    client = public_api(operator)
    missing = f"/api/v1/platform/libraries/{uuid.uuid4()}/"
    assert client.get(missing).status_code == 404
    assert client.post(f"{missing}suspend/", BODY, format="json").status_code == 404
    assert client.post("/api/v1/platform/libraries/7/suspend/", BODY, format="json").status_code == 404


def test_who_may_only_look_changes_nothing(public_api: Any, north: Any, api: Any) -> None:
    staff = StaffRoleFactory(role="support").user
    assert public_api(staff).get(address(north)).status_code == 200
    for command in ("suspend", "resume", "restrict", "close", "restore"):
        assert public_api(staff).post(address(north, command), BODY, format="json").status_code == 403
        assert public_api().post(address(north, command), BODY, format="json").status_code == 401
        assert api(north, "admin").post(address(north, command), BODY, format="json").status_code == 404
    assert Library.objects.get(pk=north.id).status == "active"
    assert not AuditEntry.objects.filter(target_id=str(north.id)).exists()
