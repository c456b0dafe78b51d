"""Deleting a closed library takes two people, and then really happens."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saas.core import clock
from saas.core.principals import SYSTEM
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.platform.models import DeletionRequest
from shared_apps.tenants.models import Library
from shared_apps.tenants.services.erasure import libraries_to_erase
from shared_apps.tenants.services.lifecycle import close_library, restore_library
from tests.factories import StaffRoleFactory
from tests.snapshots import differences, snapshot

BODY = {"reason": "Contract ended"}
URL = "/api/v1/platform/deletions/"


@pytest.fixture
def operations(public_api: Any) -> Any:
    return public_api(StaffRoleFactory(role="operations").user)


@pytest.fixture
def owner_user(db: None) -> User:
    user: User = StaffRoleFactory(role="owner").user
    return user


@pytest.fixture
def owner(public_api: Any, owner_user: User) -> Any:
    return public_api(owner_user)


@pytest.fixture
def closed(north: Any) -> Any:
    close_library(library_id=north.id, reason="ended", by=SYSTEM, now=clock.now())
    return north


def wish(library: Any) -> str:
    return f"/api/v1/platform/libraries/{library.id}/delete/"


def ask(client: Any, library: Any) -> str:
    answer = client.post(wish(library), BODY, format="json")
    assert (answer.status_code, answer.json()["state"]) == (201, "pending")
    return str(answer.json()["id"])


def due() -> list[uuid.UUID]:
    return libraries_to_erase(now=clock.now())


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_one_asks_another_approves_and_the_erasure_is_due(operations: Any, owner: Any, closed: Any) -> None:
    request = ask(operations, closed)
    assert due() == []
    answer = owner.post(f"{URL}{request}/approve/", {}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (200, "approved")
    assert due() == [closed.id]
    again = operations.post(f"/api/v1/platform/libraries/{closed.id}/restore/", BODY, format="json")
    assert code_of(again) == (409, "invalid_transition")
    actions = AuditEntry.objects.filter(action__startswith="deletion.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["deletion.requested", "deletion.approved"]
    assert len({entry.actor_user_id for entry in actions}) == 2
    assert AuditEntry.objects.filter(action="library.erasure_begun", target_id=str(closed.id)).count() == 1
    assert code_of(owner.post(f"{URL}{request}/approve/", {}, format="json")) == (409, "deletion_decided")


def test_nobody_approves_what_they_asked_for(owner: Any, closed: Any) -> None:
    request = ask(owner, closed)
    before = snapshot("public")
    assert code_of(owner.post(f"{URL}{request}/approve/", {}, format="json")) == (403, "four_eyes")
    assert differences(before, snapshot("public")) == {}
    assert due() == []


def test_the_table_keeps_to_four_eyes_as_well(owner: Any, owner_user: User, closed: Any) -> None:
    rows = DeletionRequest.objects.filter(pk=ask(owner, closed))
    for decided_by in (owner_user.pk, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(state="approved", decided_by=decided_by)
    rows.update(state="approved", decided_by=StaffRoleFactory(role="owner").user)


def test_operations_cannot_approve(operations: Any, public_api: Any, closed: Any) -> None:
    request = ask(operations, closed)
    other = public_api(StaffRoleFactory(role="operations").user)
    assert other.post(f"{URL}{request}/approve/", {}, format="json").status_code == 403
    assert due() == []


def test_an_open_library_is_not_asked_for(operations: Any, north: Any) -> None:
    assert code_of(operations.post(wish(north), BODY, format="json")) == (409, "invalid_transition")
    assert not DeletionRequest.objects.exists()
    missing = f"/api/v1/platform/libraries/{uuid.uuid4()}/delete/"
    assert operations.post(missing, BODY, format="json").status_code == 404


def test_one_request_waits_at_a_time(operations: Any, owner: Any, closed: Any) -> None:
    request = ask(operations, closed)
    assert code_of(owner.post(wish(closed), BODY, format="json")) == (409, "deletion_pending")
    assert operations.post(f"{URL}{request}/reject/", {}, format="json").json()["state"] == "rejected"
    assert code_of(owner.post(f"{URL}{request}/approve/", {}, format="json")) == (409, "deletion_decided")
    assert due() == []
    ask(operations, closed)
    assert sorted(row["state"] for row in owner.get(URL).json()["results"]) == ["pending", "rejected"]


def test_it_expires_after_seven_days(operations: Any, owner: Any, closed: Any) -> None:
    request = ask(operations, closed)
    row = DeletionRequest.objects.get(pk=request)
    assert row.expires_at - row.requested_at == dt.timedelta(days=7)
    DeletionRequest.objects.update(expires_at=clock.now())
    refused = owner.post(f"{URL}{request}/approve/", {}, format="json")
    assert (*code_of(refused), refused.json()["state"]) == (409, "deletion_decided", "expired")
    assert owner.get(URL).json()["results"][0]["state"] == "expired"
    assert due() == []
    second = ask(operations, closed)
    assert DeletionRequest.objects.get(pk=request).state == "expired"
    assert owner.post(f"{URL}{second}/approve/", {}, format="json").status_code == 200


def test_a_library_that_was_restored_is_not_deleted_by_an_old_request(
    operations: Any, owner: Any, closed: Any
) -> None:
    request = ask(operations, closed)
    restore_library(library_id=closed.id, reason="came back", by=SYSTEM, now=clock.now())
    assert code_of(owner.post(f"{URL}{request}/approve/", {}, format="json")) == (409, "invalid_transition")
    close_library(library_id=closed.id, reason="again", by=SYSTEM, now=clock.now())
    assert code_of(owner.post(f"{URL}{request}/approve/", {}, format="json")) == (409, "invalid_transition")
    assert due() == []
    assert Library.objects.get(pk=closed.id).erasing_since is None
    assert DeletionRequest.objects.get(pk=request).state == "pending"


def test_what_is_being_erased_is_not_asked_for_again(operations: Any, owner: Any, closed: Any) -> None:
    request = ask(operations, closed)
    owner.post(f"{URL}{request}/approve/", {}, format="json")
    assert code_of(operations.post(wish(closed), BODY, format="json")) == (409, "invalid_transition")


def test_a_request_that_there_is_not(owner: Any) -> None:
    for command in ("approve", "reject"):
        assert owner.post(f"{URL}{uuid.uuid4()}/{command}/", {}, format="json").status_code == 404
