"""Backfills: in batches, resumable anywhere, one process at a time, one library's failure its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction

from saas.core import clock
from saas.core.tenancy import current_library, in_library, in_public
from shared_apps.fleet import tasks
from shared_apps.fleet.errors import UnknownBackfill
from shared_apps.fleet.models import Backfill
from shared_apps.fleet.services import backfills
from shared_apps.fleet.services.backfills import backfill, run_backfill, start_backfill, waiting_backfills
from shared_apps.tenants.models import Library
from tenant_apps.branches.models import Branch

NAME = "branches.titles"


class Killed(BaseException):
    """The process is gone: nothing catches it."""


class Titles:
    """A backfill that gives branches a name made of their code, and can be killed at a batch."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self.kill: Callable[[list[Branch]], bool] = lambda rows: False
        self.fail_in = ""

    def __call__(self, after: int | None, size: int) -> int | None:
        rows = list(Branch.objects.filter(id__gt=after or 0).order_by("id")[:size])
        self.seen.append((current_library().subdomain, [row.code for row in rows]))
        for row in rows:
            row.name = f"Branch {row.code}"
            row.save(update_fields=["name"])
        if current_library().subdomain == self.fail_in:
            raise ValueError("refused")
        if self.kill(rows):
            raise Killed
        return rows[-1].id if rows else None


@pytest.fixture
def titles() -> Iterator[Titles]:
    declared = Titles()
    backfill(NAME, batch=2, pause=0.5)(declared)
    yield declared
    del backfills._DECLARED[NAME]


def add_branches(library: Any, number: int) -> None:
    with in_library(library), transaction.atomic():
        Branch.objects.all().delete()
        Branch.objects.bulk_create(
            Branch(code=f"b{each}", name="?", time_zone="UTC") for each in range(number)
        )


def names(library: Any) -> list[str]:
    with in_library(library):
        return list(Branch.objects.order_by("id").values_list("name", flat=True))


def test_it_works_in_batches_and_rests_between_them(north: Any, titles: Titles) -> None:
    add_branches(north, 5)
    rests: list[float] = []
    assert run_backfill(name=NAME, library=north, sleep=rests.append)
    assert names(north) == [f"Branch b{each}" for each in range(5)]
    assert [codes for _library, codes in titles.seen] == [["b0", "b1"], ["b2", "b3"], ["b4"], []]
    assert rests == [0.5] * 3
    row = Backfill.objects.get(name=NAME)
    assert (row.schema, row.batches, row.error) == (north.schema_name, 3, "")
    assert row.finished_at is not None
    assert row.running_until is None


def test_killed_in_a_batch_it_goes_on_there(north: Any, south: Any, titles: Titles) -> None:
    add_branches(north, 6)
    add_branches(south, 2)
    titles.kill = lambda rows: [row.code for row in rows] == ["b2", "b3"]
    begun = clock.now()
    with pytest.raises(Killed):
        run_backfill(name=NAME, library=north, clock=lambda: begun, sleep=lambda seconds: None)
    assert names(north) == ["Branch b0", "Branch b1", "?", "?", "?", "?"]
    titles.seen.clear()
    titles.kill = lambda rows: False

    soon = begun + dt.timedelta(seconds=10)
    assert run_backfill(name=NAME, library=north, clock=lambda: soon)
    assert titles.seen == [], "the killed process may still be at it"
    late = begun + dt.timedelta(minutes=10)
    assert run_backfill(name=NAME, library=north, clock=lambda: late, sleep=lambda seconds: None)
    assert titles.seen[0] == ("north", ["b2", "b3"])
    assert names(north) == [f"Branch b{each}" for each in range(6)]
    assert names(south) == ["?", "?"], "nobody asked for it there"


def test_who_lost_the_lease_stops(north: Any, titles: Titles) -> None:
    """A process that slept too long finds that another one has gone on: it writes no older place over the newer."""
    add_branches(north, 6)

    def somebody_else(seconds: float) -> None:
        later = clock.now() + dt.timedelta(minutes=10)
        run_backfill(name=NAME, library=north, clock=lambda: later, sleep=lambda again: None)

    assert run_backfill(name=NAME, library=north, sleep=somebody_else)
    row = Backfill.objects.get(name=NAME)
    assert row.finished_at is not None
    assert [codes for _library, codes in titles.seen] == [
        ["b0", "b1"],
        ["b2", "b3"],
        ["b4", "b5"],
        [],
        ["b2", "b3"],
    ], "it went on after it found the lease gone"
    assert names(north) == [f"Branch b{each}" for each in range(6)]


def test_a_turn_ends_in_time_and_the_next_one_goes_on(north: Any, titles: Titles) -> None:
    add_branches(north, 5)
    moments = iter(clock.now() + dt.timedelta(seconds=each) for each in range(100))
    assert run_backfill(name=NAME, library=north, seconds=2, clock=lambda: next(moments)) is False
    row = Backfill.objects.get(name=NAME)
    assert (row.running_until, row.finished_at) == (None, None)
    assert 0 < row.batches < 3
    assert run_backfill(name=NAME, library=north, sleep=lambda seconds: None)
    assert names(north) == [f"Branch b{each}" for each in range(5)]


def test_tasks_take_it_to_every_open_library(
    north: Any, south: Any, titles: Titles, django_capture_on_commit_callbacks: Any
) -> None:
    add_branches(north, 3)
    add_branches(south, 3)
    titles.fail_in = "south"
    assert start_backfill(name=NAME, libraries=[north, south]) == 2
    assert start_backfill(name=NAME, libraries=[north, south]) == 0
    with django_capture_on_commit_callbacks(execute=True):
        tasks.resume_backfills()
    assert names(north) == [f"Branch b{each}" for each in range(3)]
    assert names(south) == ["?"] * 3, "its batch was rolled back"
    assert Backfill.objects.get(schema=south.schema_name).error == "refused"
    assert waiting_backfills(now=clock.now()) == {}, "what failed waits for somebody to look"

    titles.fail_in = ""
    start_backfill(name=NAME, libraries=[north, south])
    assert waiting_backfills(now=clock.now()) == {south.schema_name: [NAME]}
    with django_capture_on_commit_callbacks(execute=True):
        tasks.resume_backfills()
    assert names(south) == [f"Branch b{each}" for each in range(3)]


def test_libraries_that_are_not_open_keep_nobody_waiting(
    north: Any, south: Any, titles: Titles, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Their backfills stay unfinished for as long as they are suspended; others come later in the list."""
    monkeypatch.setattr(tasks, "_AT_ONCE", 1)
    add_branches(north, 1)
    add_branches(south, 1)
    with in_public():
        Library.objects.filter(pk=north.id).update(status="suspended")
    start_backfill(name=NAME, libraries=[north, south])
    with django_capture_on_commit_callbacks(execute=True):
        tasks.resume_backfills()
    assert (names(north), names(south)) == (["?"], ["Branch b0"])


def test_only_so_many_are_sent_at_once(
    north: Any, south: Any, titles: Titles, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(tasks, "_AT_ONCE", 1)
    add_branches(north, 1)
    add_branches(south, 1)
    start_backfill(name=NAME, libraries=[north, south])
    for done in (1, 2):
        with django_capture_on_commit_callbacks(execute=True):
            tasks.resume_backfills()
        assert Backfill.objects.exclude(finished_at=None).count() == done


def test_turns_that_nobody_takes_do_not_pile_up(
    north: Any, titles: Titles, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """What is not finished is sent again all the time: a message that has waited longer must be worth nothing."""
    sent: list[Any] = []
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    monkeypatch.setattr(current_app, "send_task", lambda name, *args, **options: sent.append((name, options)))
    start_backfill(name=NAME, libraries=[north])
    with django_capture_on_commit_callbacks(execute=True):
        tasks.resume_backfills()
    ((name, options),) = sent
    schedule: Any = settings.CELERY_BEAT_SCHEDULE["fleet.resume_backfills"]
    again = schedule["schedule"]
    assert (name, options["queue"]) == ("fleet.backfill", "bulk")
    assert again <= options["expires"] <= 2 * again


def test_a_name_that_nobody_declared_or_twice(titles: Titles) -> None:
    with pytest.raises(UnknownBackfill, match=f"there are: .*{NAME}"):
        start_backfill(name="no.such", libraries=[])
    with pytest.raises(ValueError, match="already"):
        backfill(NAME)(titles)
