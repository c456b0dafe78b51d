"""Suspending, closing and the rest: the row, the audit entry, the event and the caches, together or not at all."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from saas.core.principals import SYSTEM, Actor
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.tenants import tasks
from shared_apps.tenants.errors import InvalidTransition, LibraryUnknown
from shared_apps.tenants.models import Library
from shared_apps.tenants.services import lifecycle
from tests.snapshots import differences, snapshot

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)
STAFF = Actor(kind="person", user_id=7)
pytestmark = pytest.mark.django_db


def do(change: Callable[..., Library], library: Any, **more: Any) -> Library:
    values = {"reason": "asked for", "by": STAFF, "now": NOW, **more}
    return change(library_id=library.id, **values)


def row(library: Any) -> Library:
    return Library.objects.get(pk=library.id)


def test_a_suspension_is_written_told_and_recorded(north: Any, south: Any) -> None:
    version = row(north).version
    suspended = do(lifecycle.suspend_library, north)
    assert suspended.status == "suspended"
    found = row(north)
    assert (found.status, found.standing, found.suspended_at) == ("suspended", "active", NOW)
    assert found.version == version + 1
    entry = AuditEntry.objects.get(action="library.suspended")
    assert (entry.target_id, entry.actor_user_id, entry.at) == (str(north.id), 7, NOW)
    assert entry.changes == {"from": "active", "to": "suspended"}
    # Free text may name people: apart, so that it can be erased.
    assert entry.personal.values == {"reason": "asked for"}
    message = OutboxMessage.objects.get(kind="library.changed")
    assert message.payload == {"library_id": str(north.id), "action": "library.suspended"}
    assert row(south).status == "active"


def test_a_repeated_command_changes_nothing(north: Any) -> None:
    do(lifecycle.suspend_library, north)
    before = snapshot("public")
    again = do(lifecycle.suspend_library, north, now=NOW + dt.timedelta(days=1), reason="again")
    assert (again.status, again.suspended_at) == ("suspended", NOW)
    assert differences(before, snapshot("public")) == {}


def test_a_forbidden_command_is_refused_and_changes_nothing(north: Any) -> None:
    do(lifecycle.close_library, north)
    before = snapshot("public")
    with pytest.raises(InvalidTransition) as refusal:
        do(lifecycle.suspend_library, north)
    assert refusal.value.status == 409
    assert refusal.value.extension_members == {"library_status": "closed"}
    assert "closed" in str(refusal.value.detail)
    assert differences(before, snapshot("public")) == {}


def test_a_library_that_there_is_not(db: None) -> None:
    with pytest.raises(LibraryUnknown):
        lifecycle.close_library(library_id=uuid.uuid4(), reason="", by=SYSTEM, now=NOW)


def test_closing_and_restoring(north: Any) -> None:
    do(lifecycle.mark_past_due, north)
    do(lifecycle.suspend_library, north)
    later = NOW + dt.timedelta(days=3)
    assert do(lifecycle.close_library, north, now=later).closed_at == later
    restored = do(lifecycle.restore_library, north, now=later + dt.timedelta(days=29))
    assert (restored.status, restored.closed_at, restored.suspended_at) == ("suspended", None, NOW)
    assert do(lifecycle.resume_library, north).status == "past_due"
    assert do(lifecycle.activate_library, north).status == "active"
    actions = AuditEntry.objects.filter(target_id=str(north.id)).order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "library.marked_past_due",
        "library.suspended",
        "library.closed",
        "library.restored",
        "library.resumed",
        "library.activated",
    ]


def test_paying_ends_read_only(north: Any) -> None:
    do(lifecycle.restrict_library, north)
    assert do(lifecycle.activate_library, north).status == "active"
    assert row(north).restricted_at is None


def test_a_trial(north: Any) -> None:
    Library.objects.filter(pk=north.id).update(status="provisioning")
    assert do(lifecycle.start_trial, north).status == "trialing"
    assert do(lifecycle.suspend_library, north).standing == "trialing"
    assert do(lifecycle.resume_library, north).status == "trialing"


def test_the_library_answers_as_its_new_status_says(north: Any) -> None:
    client = Client(HTTP_HOST="north.localhost")
    for change, expected in (
        (lifecycle.suspend_library, 402),
        (lifecycle.resume_library, 200),
        (lifecycle.restrict_library, 200),
        (lifecycle.close_library, 410),
        (lifecycle.restore_library, 200),
    ):
        do(change, north)
        assert client.get("/api/v1/titles/").status_code == expected, change.__name__
    do(lifecycle.restrict_library, north)
    assert client.post("/api/v1/titles/", "{}", content_type="application/json").status_code == 402


def test_the_event_tells_all_processes_again(north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis was away at the commit: the message is tried until it is back."""
    told: list[str] = []
    monkeypatch.setattr(tasks, "announce", lambda: told.append("told"))
    tasks.tell_processes({"library_id": str(north.id), "action": "library.suspended"})
    assert told == ["told"]
