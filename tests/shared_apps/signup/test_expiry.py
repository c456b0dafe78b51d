"""Forgetting what is old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from saas.core import clock
from shared_apps.audit.models import AuditEntry
from shared_apps.signup import services, tasks
from shared_apps.signup.models import SignUp
from shared_apps.signup.services import expiry

PERSONAL = ("library_name", "admin_name", "admin_email", "password_hash")


def test_links_past_their_time_expire_and_others_do_not(requested: Callable[..., Any]) -> None:
    now = clock.now()
    old, _token = requested(now=now - dt.timedelta(hours=48))
    young, _token = requested(now=now - dt.timedelta(hours=47))
    assert services.expire_sign_ups(now=now) == (1, 0)
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.status, old.password_hash) == ("expired", "")
    assert young.status == "pending_verification"
    assert young.password_hash
    assert old.admin_email == "hanna@harbour.example"  # still within 30 days
    entry = AuditEntry.objects.get(action="signup.expired")
    assert entry.changes == {"sign_ups": [str(old.pk)]}


def test_personal_values_are_emptied_after_30_days(requested: Callable[..., Any]) -> None:
    now = clock.now()
    old, _token = requested(now=now - dt.timedelta(days=30))
    young, _token = requested(now=now - dt.timedelta(days=29))
    assert services.expire_sign_ups(now=now) == (2, 1)
    old.refresh_from_db()
    young.refresh_from_db()
    assert [getattr(old, name) for name in PERSONAL] == ["", "", "", ""]
    assert old.erased_at == now
    assert (old.subdomain, old.status) == ("harbour", "expired")
    assert young.admin_email == "hanna@harbour.example"
    assert young.erased_at is None


@pytest.mark.usefixtures("quick_provisioning")
def test_a_used_sign_up_is_emptied_too_and_keeps_its_library(requested: Callable[..., Any]) -> None:
    now = clock.now()
    row, token = requested()
    library = services.verify(token=token, now=now)
    assert services.expire_sign_ups(now=now + dt.timedelta(days=31)) == (0, 1)
    row.refresh_from_db()
    assert (row.status, row.library_id, row.admin_email) == ("verified", library.id, "")


def test_a_second_run_finds_nothing(requested: Callable[..., Any]) -> None:
    now = clock.now()
    requested(now=now - dt.timedelta(days=40))
    assert services.expire_sign_ups(now=now) == (1, 1)
    before = SignUp.objects.values().get()
    assert services.expire_sign_ups(now=now + dt.timedelta(days=1)) == (0, 0)
    assert SignUp.objects.values().get() == before
    assert AuditEntry.objects.filter(action__in=["signup.expired", "signup.erased"]).count() == 2


def test_many_are_done_in_batches(requested: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    now = clock.now()
    for _ in range(5):
        requested(now=now - dt.timedelta(days=3))
    assert services.expire_sign_ups(now=now) == (5, 0)
    assert AuditEntry.objects.filter(action="signup.expired").count() == 3


def test_the_hourly_task_does_it(requested: Callable[..., Any], settings: Any) -> None:
    row, _token = requested(now=clock.now() - dt.timedelta(hours=49))
    tasks.expire()
    row.refresh_from_db()
    assert row.status == "expired"
    assert settings.CELERY_BEAT_SCHEDULE["signup.expire"]["task"] == tasks.expire.name == "signup.expire"
