"""Two imports at once in one library, with real commits: nothing doubled, nobody stuck."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from tenant_apps.catalog import services
from tenant_apps.catalog.errors import ImportInProgress
from tenant_apps.catalog.models import Contributor, ImportJob, ImportRecord, Title
from tenant_apps.catalog.services.imports import batches, runner
from tests.database import wait_for_a_waiter
from tests.tenant_apps.catalog.records import marc


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def at_once(library: Any, *works: Callable[[], None]) -> list[BaseException]:
    """Run each in a thread of its own with its own connection, all begun together; what they raised."""
    gate, raised = threading.Barrier(len(works)), []

    def body(work: Callable[[], None]) -> None:
        try:
            with in_library(library):
                gate.wait(timeout=10)
                work()
        except BaseException as error:  # noqa: BLE001 - the test judges it
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=body, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return raised


def books(order: range, note: str) -> bytes:
    """The same titles by the same authors in another order, so that locks are asked for crosswise."""
    return b"".join(
        marc(f"Title {at}{note}", control_number=f"n{at}", by=[f"Author, {at}"], subjects=[f"S {at}"])
        for at in order
    )


def wait_until_another_waits() -> None:
    assert wait_for_a_waiter(), "nobody came to wait"


def test_a_new_title_that_two_imports_bring_at_once_is_created_once(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has written the title and not committed; the second comes with the same control number."""
    written, calls = batches.write_titles, []

    def write_and_wait(slots: Any, *, now: Any) -> None:
        calls.append(len(slots))
        written(slots, now=now)
        if len(calls) == 1:
            wait_until_another_waits()

    monkeypatch.setattr(batches, "write_titles", write_and_wait)
    with in_library(committed_library):
        ids = [
            services.request_import(
                chunks=[data], file_name="x", by=SYSTEM, now=clock.now(), in_background=False
            ).pk
            for data in (books(range(1), ""), books(range(1), " again"))
        ]
    raised = at_once(
        committed_library,
        *(lambda pk=pk: services.run_import(import_id=pk, clock=clock.now) for pk in ids),  # type: ignore[misc]
    )
    assert raised == []
    with in_library(committed_library):
        assert sorted(ImportRecord.objects.values_list("outcome", flat=True)) == ["created", "updated"]
        assert Title.objects.get().version == 2


def test_a_change_by_hand_and_an_import_of_one_title_follow_each_other(committed_library: Any) -> None:
    """A person has the title locked when an import brings its next record: both changes count in its version."""
    with in_library(committed_library):
        for data in (books(range(1), ""), books(range(1), " again")):
            job = services.request_import(
                chunks=[data], file_name="x", by=SYSTEM, now=clock.now(), in_background=False
            )
            if not Title.objects.exists():
                services.run_import(import_id=job.pk, clock=clock.now)
        title_id = Title.objects.get().pk
    locked = threading.Event()

    def hold(_title: Title) -> None:
        locked.set()
        wait_until_another_waits()

    def change() -> None:
        services.change_title(
            title_id=title_id, changes={"edition": "2nd"}, by=SYSTEM, now=clock.now(), expect=hold
        )

    def bring() -> None:
        assert locked.wait(timeout=20)
        services.run_import(import_id=job.pk, clock=clock.now)

    assert at_once(committed_library, change, bring) == []
    with in_library(committed_library):
        title = Title.objects.get()
        assert (title.title, title.version) == ("Title 0 again", 3)


def test_two_files_with_the_same_new_titles(committed_library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BATCH_SIZE", 20)
    with in_library(committed_library):
        ids = [
            services.request_import(
                chunks=[data], file_name="x", by=SYSTEM, now=clock.now(), in_background=False
            ).pk
            for data in (books(range(100), ""), books(range(99, -1, -1), " again"))
        ]
    raised = at_once(
        committed_library,
        *(lambda pk=pk: services.run_import(import_id=pk, clock=clock.now) for pk in ids),  # type: ignore[misc]
    )
    assert raised == []
    with in_library(committed_library):
        jobs = list(ImportJob.objects.all())
        assert [job.state for job in jobs] == ["done", "done"]
        assert Title.objects.count() == 100 == sum(job.created for job in jobs)
        assert sum(job.updated for job in jobs) == 100
        assert ImportRecord.objects.count() == 200
        assert Contributor.objects.count() == 100


def test_two_runners_of_one_import(committed_library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BATCH_SIZE", 20)
    with in_library(committed_library):
        job = services.request_import(
            chunks=[books(range(100), "")], file_name="x", by=SYSTEM, now=clock.now(), in_background=False
        )
    work = lambda: services.run_import(import_id=job.pk, clock=clock.now)  # noqa: E731
    assert at_once(committed_library, work, work) == []
    with in_library(committed_library):
        job.refresh_from_db()
        assert (job.state, job.created, Title.objects.count()) == ("done", 100, 100)
        assert ImportRecord.objects.count() == 100


def test_the_same_file_sent_twice_at_once_is_taken_once(committed_library: Any) -> None:
    data = books(range(5), "")

    def send() -> None:
        services.request_import(chunks=[data], file_name="x", by=SYSTEM, now=clock.now(), in_background=False)

    raised = at_once(committed_library, send, send, send)
    assert [type(error) for error in raised] == [ImportInProgress, ImportInProgress]
    with in_library(committed_library):
        assert ImportJob.objects.count() == 1
