"""Tasks carry their library, refuse one that is gone, and leave a transaction only with its commit."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError, connections, transaction

from saas.core.tasks import LIBRARY_HEADER, LibraryGone, in_each_library, library_task, public_task
from saas.core.tenancy import NoLibrary, current_schema, in_library

seen: list[str] = []


@library_task(name="tests.note_library")
def note_library() -> None:
    """Record where it ran."""
    seen.append(current_schema())


@public_task(name="tests.note_public")
def note_public() -> None:
    """Record where it ran."""
    seen.append(current_schema())


@pytest.fixture(autouse=True)
def _forget() -> None:
    seen.clear()


def run(name: str, headers: dict[str, str]) -> None:
    current_app.tasks[name].apply(headers=headers, throw=True)


def test_it_runs_in_the_library_that_enqueued_it(north: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True), in_library(north):
        note_library.enqueue()
        note_public.enqueue()
    assert seen == ["lib_north", "public"]
    assert current_schema() == "public"


def test_nothing_is_sent_when_the_transaction_rolls_back(
    north: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), in_library(north):
        try:
            with transaction.atomic():
                note_library.enqueue()
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert seen == []


@pytest.mark.parametrize("status", ["closed", "deleted"])
def test_a_library_that_has_closed_is_refused_and_nothing_runs(north: Any, status: str) -> None:
    from shared_apps.tenants.models import Library

    run("tests.note_library", {LIBRARY_HEADER: str(north.id)})
    assert seen == ["lib_north"]
    Library.objects.filter(pk=north.id).update(status=status)
    with pytest.raises(LibraryGone):
        run("tests.note_library", {LIBRARY_HEADER: str(north.id)})
    assert seen == ["lib_north"]


@pytest.mark.usefixtures("north")
def test_a_library_that_never_was_and_a_task_without_one_are_refused() -> None:
    with pytest.raises(LibraryGone):
        run("tests.note_library", {LIBRARY_HEADER: str(uuid.uuid4())})
    with pytest.raises(LibraryGone):
        run("tests.note_library", {})
    assert seen == []


@pytest.mark.django_db
def test_a_librarys_task_cannot_be_enqueued_on_the_public_site() -> None:
    with pytest.raises(NoLibrary):
        note_library.enqueue()


def test_one_library_that_fails_stops_nobody_and_a_server_that_is_away_everybody(
    north: Any, south: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_in_north() -> None:
        seen.append(current_schema())
        if current_schema() == north.schema_name:
            raise OperationalError

    in_each_library([north, south], fail_in_north)
    assert seen == ["lib_north", "lib_south"]
    seen.clear()
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    with pytest.raises(OperationalError):
        in_each_library([north, south], fail_in_north)
    assert seen == ["lib_north"]
    assert current_schema() == "public"
