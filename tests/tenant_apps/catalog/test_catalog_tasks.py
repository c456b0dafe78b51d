"""The catalogue's tasks: what is asked for is started, what stands still is started again, in its own library."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import current_library, in_library
from shared_apps.delivery.services import relay
from tenant_apps.catalog import services, tasks
from tenant_apps.catalog.models import ImportJob
from tests.tenant_apps.catalog.records import marc_file


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was sent to workers: library and import."""
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(
        tasks.run_import, "enqueue", lambda import_id: sent.append((current_library().subdomain, import_id))
    )
    return sent


def asked_for(library: Any, *, age: dt.timedelta) -> ImportJob:
    with in_library(library):
        return services.request_import(
            chunks=[marc_file(1)], file_name="a.mrc", by=SYSTEM, now=clock.now() - age
        )


def test_a_message_starts_its_import(north: Any, started: list[tuple[str, int]]) -> None:
    job = asked_for(north, age=dt.timedelta())
    with in_library(north):
        assert relay() >= 1
    assert started == [("north", job.pk)]


def test_the_task_runs_the_import(north: Any) -> None:
    job = asked_for(north, age=dt.timedelta())
    with in_library(north):
        tasks.run_import(import_id=job.pk)
        tasks.run_import(import_id=job.pk)
        job.refresh_from_db()
    assert (job.state, job.created) == ("done", 1)


def test_what_stands_still_is_started_again_in_its_library(
    north: Any, south: Any, started: list[tuple[str, int]]
) -> None:
    stalled = asked_for(north, age=dt.timedelta(minutes=5))
    asked_for(south, age=dt.timedelta())
    tasks.resume_imports()
    assert started == [("north", stalled.pk)]
    tasks.resume_imports()
    assert started == [("north", stalled.pk)], "asked for a moment ago"
