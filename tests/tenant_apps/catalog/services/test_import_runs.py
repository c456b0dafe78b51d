"""Running an import: outcomes, resuming after a kill, giving up, dry runs; each record counts once, always."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import DataError

from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry
from tenant_apps.catalog import services
from tenant_apps.catalog.models import ImportJob, ImportRecord, Title
from tenant_apps.catalog.services.imports import batches, runner
from tests.tenant_apps.catalog.records import NOW, add_title, counts, marc, marc_file, request, run

LATER = NOW + dt.timedelta(seconds=61)


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BATCH_SIZE", 10)


def consistent(job: ImportJob) -> None:
    """Every record read has its line and its place in the counters."""
    assert job.total == ImportRecord.objects.filter(job=job).count()
    numbers = list(ImportRecord.objects.filter(job=job).order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, job.total + 1))
    for outcome in ("created", "updated", "unchanged", "rejected"):
        assert ImportRecord.objects.filter(job=job, outcome=outcome).count() == getattr(job, outcome)


# -- outcomes ---------------------------------------------------------------------------------------------------------


def test_new_records_become_titles(in_north: Any) -> None:
    job = run(marc_file(3))
    assert (job.state, counts(job)) == ("done", (3, 0, 0, 0))
    assert set(Title.objects.values_list("title", "control_number")) == {
        (f"Title {n}", f"n{n}") for n in (1, 2, 3)
    }
    row = ImportRecord.objects.get(job=job, number=2)
    assert (row.outcome, row.label, row.title.title) == ("created", "Title 2", "Title 2")  # type: ignore[union-attr]
    assert row.offset == len(marc("Title 1", control_number="n1"))
    consistent(job)


def test_the_same_file_again_changes_nothing(in_north: Any) -> None:
    run(marc_file(3))
    before = list(Title.objects.order_by("pk").values("pk", "version", "updated_at", "marc_hash"))
    job = run(marc_file(3))
    assert counts(job) == (0, 0, 3, 0)
    assert list(Title.objects.order_by("pk").values("pk", "version", "updated_at", "marc_hash")) == before
    consistent(job)


def test_a_record_with_a_known_number_replaces_the_title(in_north: Any) -> None:
    run(marc("Emma", control_number="n1", by=["Austen, Jane"]))
    job = run(marc("Emma, revised", control_number="n1", by=["Doyle, Roddy"]))
    assert counts(job) == (0, 1, 0, 0)
    title = Title.objects.get()
    assert (title.title, title.version) == ("Emma, revised", 2)
    assert [part.contributor.name for part in title.contributions.all()] == ["Doyle, Roddy"]


def test_a_later_record_of_one_number_updates_the_first(in_north: Any) -> None:
    job = run(
        marc("One", control_number="n1") + marc("Two", control_number="n1") + marc("Two", control_number="n1")
    )
    assert counts(job) == (1, 1, 1, 0)
    assert Title.objects.get().title == "Two"
    assert set(ImportRecord.objects.filter(job=job).values_list("title", flat=True)) == {
        Title.objects.get().pk
    }


def test_the_same_across_batches(in_north: Any, _small_batches: None) -> None:
    data = marc_file(15) + marc("Again", control_number="n1") + marc("Title 2", control_number="n2")
    job = run(data)
    assert counts(job) == (15, 1, 1, 0)
    assert Title.objects.get(control_number="n1").title == "Again"


def test_records_without_a_number_are_known_by_their_text(in_north: Any) -> None:
    assert counts(run(marc("Emma") + marc("Persuasion"))) == (2, 0, 0, 0)
    assert counts(run(marc("Emma") + marc("Sanditon"))) == (1, 0, 1, 0)
    assert Title.objects.count() == 3


def test_a_title_typed_in_is_not_touched_by_a_record_without_number(in_north: Any) -> None:
    title = add_title("Emma", year=1815)
    assert counts(run(marc("Emma", year=1900))) == (1, 0, 0, 0)
    title.refresh_from_db()
    assert title.version == 1


def test_bad_records_are_reported_and_good_ones_kept(in_north: Any) -> None:
    good = marc_file(2)
    bad = marc("Broken", control_number="b")[:-20] + b"\x1d"
    job = run(good + bad + marc("Last", control_number="n9"))
    assert (job.state, counts(job)) == ("done", (3, 0, 0, 1))
    row = ImportRecord.objects.get(job=job, outcome="rejected")
    assert (row.number, row.offset, row.title) == (3, len(good), None)
    assert row.code
    consistent(job)


def test_a_value_that_the_database_refuses_costs_one_record(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = batches.write_titles

    def refuse_one(slots: Any, *, now: Any) -> None:
        if any(slot.record.facts.title == "Title 5" for slot in slots):
            raise DataError("value out of range")
        written(slots, now=now)

    monkeypatch.setattr(batches, "write_titles", refuse_one)
    job = run(marc_file(9))
    assert counts(job) == (8, 0, 0, 1)
    row = ImportRecord.objects.get(job=job, outcome="rejected")
    assert (row.number, row.code) == (5, "not_storable")
    assert not Title.objects.filter(title="Title 5").exists()
    consistent(job)


# -- what is no MARC file ---------------------------------------------------------------------------------------------


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("records.mrc", marc_file(1))
    return target.getvalue()


@pytest.mark.usefixtures("_small_batches")
def test_a_file_of_nothing_but_rubbish_is_given_up_early(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HOPELESS_AFTER", 20)
    job = run(b"rubbish\x1d" * 500)
    assert (job.state, job.error_code) == ("failed", "not_marc")
    assert 20 <= job.records.count() < 100
    consistent(job)


@pytest.mark.usefixtures("_small_batches")
def test_rubbish_before_a_good_record_does_not_cost_it(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HOPELESS_AFTER", 20)
    job = run(b"rubbish\x1d" * 10 + marc_file(1) + b"rubbish\x1d" * 100)
    assert (job.state, job.created, job.rejected) == ("done", 1, 110)
    consistent(job)


@pytest.mark.parametrize(
    "data",
    [
        zipped(),
        b"%PDF-1.7\n1 0 obj",
        b"Dear library, please find our books attached.",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
        b"<?xml version='1.0'?><collection/>",
        b"\x1d\x1d\x1d",
        b"   \r\n",
    ],
    ids=["zip", "pdf", "text", "png", "xml", "terminators", "blank"],
)
def test_a_file_without_a_readable_record_fails_as_not_marc(in_north: Any, data: bytes) -> None:
    job = run(data)
    assert (job.state, job.error_code) == ("failed", "not_marc")
    assert not Title.objects.exists()
    consistent(job)


def test_one_readable_record_is_enough(in_north: Any) -> None:
    job = run(b"rubbish before it\x1d" + marc("Emma"))
    assert (job.state, job.created) == ("done", 1)
    consistent(job)


def test_a_missing_file_fails_with_its_own_code(in_north: Any) -> None:
    job = request(marc_file(1))
    default_storage.delete(job.file)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "import_file_missing")


# -- interrupted and resumed ------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process dies here."""


def killed_in_batch(job: ImportJob, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run until a batch has been written and not yet committed, for the `at`-th time."""
    count, before = 0, batches._count

    def die(*args: Any) -> None:
        nonlocal count
        count += 1
        before(*args)
        if count == at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(batches, "_count", die)
        with pytest.raises(Killed):
            services.run_import(import_id=job.pk, clock=lambda: NOW)


@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.usefixtures("_small_batches")
def test_a_killed_import_goes_on_and_counts_each_record_once(
    in_north: Any, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    job = request(marc_file(35))
    killed_in_batch(job, at, monkeypatch)
    job.refresh_from_db()
    assert (job.state, job.total) == ("running", 10 * (at - 1))
    consistent(job)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert job.state == "running", "a runner that may still live is left alone"
    assert services.resume_stalled_imports(now=LATER) == [job.pk]
    services.run_import(import_id=job.pk, clock=lambda: LATER)
    job.refresh_from_db()
    assert (job.state, counts(job)) == ("done", (35, 0, 0, 0))
    assert Title.objects.count() == 35
    consistent(job)


@pytest.mark.usefixtures("_small_batches")
def test_a_runner_that_was_overtaken_writes_nothing_more(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen runner wakes after another has gone on with its job: its batch is dropped whole."""
    job, plain = request(marc_file(35)), runner.write_batch

    def freeze(**arguments: Any) -> ImportJob:
        monkeypatch.setattr(runner, "write_batch", plain)
        services.resume_stalled_imports(now=LATER)
        services.run_import(import_id=job.pk, clock=lambda: LATER)  # the other one, to the end
        return plain(**arguments)

    monkeypatch.setattr(runner, "write_batch", freeze)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, counts(job)) == ("done", (35, 0, 0, 0))
    consistent(job)


@pytest.mark.usefixtures("_small_batches")
def test_two_runners_at_the_same_place_write_one_batch(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other has written this very batch and is running on: the position under the lock tells."""
    job, plain = request(marc_file(15)), runner.write_batch

    def write_twice(**arguments: Any) -> ImportJob:
        plain(**arguments)
        return plain(**arguments)

    monkeypatch.setattr(runner, "write_batch", write_twice)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, job.total) == ("running", 10)
    consistent(job)


@pytest.mark.usefixtures("_small_batches")
def test_a_runner_whose_job_was_put_back_into_the_queue_leaves_it_there(in_north: Any) -> None:
    job = request(marc_file(35))

    def requeue(_job: ImportJob) -> None:
        assert services.resume_stalled_imports(now=LATER) == [job.pk]

    services.run_import(import_id=job.pk, clock=lambda: NOW, progress=requeue)
    job.refresh_from_db()
    assert (job.state, job.total) == ("queued", 10)
    consistent(job)


def test_an_import_that_never_gets_on_is_given_up(in_north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    job, now = request(marc_file(3)), NOW
    for _ in range(runner.MAX_ATTEMPTS):
        killed_in_batch(job, 1, monkeypatch)
        now += dt.timedelta(seconds=61)
        assert services.resume_stalled_imports(now=now) == [job.pk]
    services.run_import(import_id=job.pk, clock=lambda: now)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.total) == ("failed", "import_given_up", 0)


def test_progress_forgives_earlier_attempts(in_north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "BATCH_SIZE", 1)
    job, now = request(marc_file(runner.MAX_ATTEMPTS + 3)), NOW
    for _ in range(runner.MAX_ATTEMPTS + 2):
        killed_in_batch(job, 2, monkeypatch)
        now += dt.timedelta(seconds=61)
        services.resume_stalled_imports(now=now)
    services.run_import(import_id=job.pk, clock=lambda: now)
    job.refresh_from_db()
    assert job.state == "done"


def test_only_silent_imports_are_taken_up(in_north: Any) -> None:
    job = request(marc_file(1))
    assert services.resume_stalled_imports(now=NOW + dt.timedelta(seconds=59)) == []
    assert services.take_over_import(import_id=job.pk, now=NOW) is False
    assert services.resume_stalled_imports(now=LATER) == [job.pk]
    assert services.resume_stalled_imports(now=LATER) == [], "asked for a moment ago"
    assert services.take_over_import(import_id=job.pk, now=LATER + dt.timedelta(minutes=2)) is True
    run(marc_file(2))
    ended = LATER + dt.timedelta(days=1)
    assert services.resume_stalled_imports(now=ended) == [job.pk]
    soon = ended + dt.timedelta(seconds=1)
    assert services.resume_stalled_imports(now=soon, stalled_after=dt.timedelta()) == [job.pk]


@pytest.mark.usefixtures("_small_batches")
def test_a_running_import_is_cancelled_after_its_batch(in_north: Any) -> None:
    job = request(marc_file(35))

    def cancel(_job: ImportJob) -> None:
        services.cancel_import(import_id=job.pk, by=SYSTEM, now=NOW)

    services.run_import(import_id=job.pk, clock=lambda: NOW, progress=cancel)
    job.refresh_from_db()
    assert (job.state, job.total, Title.objects.count()) == ("cancelled", 10, 10)
    consistent(job)


# -- dry runs ---------------------------------------------------------------------------------------------------------

MIXED = (
    marc_file(12)
    + marc("Again", control_number="n1")
    + marc("Title 2", control_number="n2")
    + marc("Loose")
    + marc("Loose")
    + b"garbage\x1d"
    + marc("Known 2", control_number="k")
)


@pytest.mark.usefixtures("_small_batches")
def test_a_dry_run_reports_the_same_and_writes_no_title(in_north: Any) -> None:
    run(marc("Known", control_number="k"))
    before = set(Title.objects.values_list("pk", "version"))
    dry = run(MIXED, dry_run=True)
    assert set(Title.objects.values_list("pk", "version")) == before
    real = run(MIXED)
    columns = ("number", "offset", "outcome", "code", "detail", "label")
    lines = [list(job.records.order_by("number").values(*columns)) for job in (dry, real)]
    assert lines[0] == lines[1]
    assert counts(dry) == counts(real) == (13, 2, 2, 1)
    assert not dry.records.exclude(title=None).exists()


@pytest.mark.usefixtures("_small_batches")
@pytest.mark.parametrize("at", [1, 2])
def test_a_killed_dry_run_remembers_what_it_had_met(
    in_north: Any, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    run(marc("Known", control_number="k"))
    job = request(MIXED, dry_run=True)
    killed_in_batch(job, at, monkeypatch)
    services.resume_stalled_imports(now=LATER)
    services.run_import(import_id=job.pk, clock=lambda: LATER)
    job.refresh_from_db()
    assert (job.state, counts(job)) == ("done", (13, 2, 2, 1))
    consistent(job)


def test_the_file_of_an_ended_import_is_gone(in_north: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = request(marc_file(2), in_background=False)
        assert default_storage.exists(job.file)
        services.run_import(import_id=job.pk, clock=lambda: NOW)
    assert not default_storage.exists(job.file)
    with django_capture_on_commit_callbacks(execute=True):
        cancelled = request(marc_file(3), in_background=False)
        services.cancel_import(import_id=cancelled.pk, by=SYSTEM, now=NOW)
    assert not default_storage.exists(cancelled.file)


@pytest.mark.usefixtures("_small_batches")
def test_the_file_of_an_interrupted_import_stays(
    in_north: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = request(marc_file(35), in_background=False)
        killed_in_batch(job, 2, monkeypatch)
    assert default_storage.exists(job.file)


def test_the_end_is_in_the_log(in_north: Any) -> None:
    job = run(marc_file(2))
    entry = AuditEntry.objects.get(action="import.finished")
    assert entry.target_id == str(job.pk)
    assert (entry.changes["state"], entry.changes["created"]) == ("done", 2)
