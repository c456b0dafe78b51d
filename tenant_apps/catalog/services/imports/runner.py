"""Running an import: claim the job, read the file in batches, end it. Kill it anywhere and run it again.

Whoever moves a job from queued to running runs it. Each batch checks under the job's row lock that the job is
still where this runner left it, so that even two runners at once count each record once; a runner that died
is noticed by its old heartbeat (resume_stalled_imports).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q, QuerySet

from saas.core.errors import DomainError
from saas.core.principals import SYSTEM
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.catalog.errors import ImportFileMissing, ImportGivenUp, NotMarc
from tenant_apps.catalog.marc import (
    SNIFF_SIZE,
    Format,
    ParsedRecord,
    RejectCode,
    read_item,
    sniff,
    split_records,
)
from tenant_apps.catalog.models import ImportJob, ImportState
from tenant_apps.catalog.rules.matching import KnownTitles, Outcome
from tenant_apps.catalog.rules.rows import Record
from tenant_apps.catalog.services.imports.batches import Item, Overtaken, Position, write_batch
from tenant_apps.catalog.services.imports.upload import delete_upload_after_commit

log = structlog.get_logger(__name__)
BATCH_SIZE = 250  # records; a transaction of about a tenth of a second
STALLED_AFTER = timedelta(seconds=60)
MAX_ATTEMPTS = 5  # starts without one more batch
# A file whose first records are all unreadable is something else; each of them costs a line of the report, and half a
# gigabyte of record ends would cost half a milliard.
HOPELESS_AFTER = 10_000
FINISHED = "import.finished"
# Not even the frame of a record could be read.
UNREADABLE = frozenset(
    {
        RejectCode.RECORD_TRUNCATED,
        RejectCode.RECORD_TOO_LONG,
        RejectCode.BAD_LEADER,
        RejectCode.BAD_DIRECTORY,
        RejectCode.LENGTH_MISMATCH,
    }
)

Clock = Callable[[], datetime]
Progress = Callable[[ImportJob], None]


def run_import(*, import_id: int, clock: Clock, progress: Progress | None = None) -> None:
    """Run or go on with an import in the current library; does nothing unless it is queued.

    `progress` is called after each batch with the job as it is then. What a record is refused for stands in
    its report line; the job as a whole fails only as `error` in it says. Database and storage failures are
    raised: the job stays running and is taken up again later.
    """
    job = _claim(import_id, clock())
    if job is None:
        return
    try:
        _read_file(job, clock, progress)
    except Overtaken:
        _end_if_cancelled(import_id, clock())
    except DomainError as error:
        _fail(import_id, error, clock())
    else:
        _complete(import_id, clock())


def resume_stalled_imports(*, now: datetime, stalled_after: timedelta = STALLED_AFTER) -> list[int]:
    """Put imports of the current library whose runner is silent back into the queue; the ids to start.

    Queued ones are named again as well if nobody has begun for a minute: their task may have been lost with
    the broker. A caller who knows that no runner lives gives a `stalled_after` of zero.
    """
    return _requeue(ImportJob.objects.all(), now, stalled_after)


def take_over_import(*, import_id: int, now: datetime) -> bool:
    """Put one import back into the queue if its runner is silent; whether it was."""
    return bool(_requeue(ImportJob.objects.filter(pk=import_id), now, STALLED_AFTER))


def _requeue(jobs: QuerySet[ImportJob], now: datetime, stalled_after: timedelta) -> list[int]:
    stalled = jobs.filter(
        state__in=(ImportState.QUEUED, ImportState.RUNNING), heartbeat_at__lte=now - stalled_after
    )
    with transaction.atomic():
        ids = list(stalled.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
        # The heartbeat says when it was asked for last, so that a long queue is not filled again each time.
        ImportJob.objects.filter(pk__in=ids).update(state=ImportState.QUEUED, heartbeat_at=now)
    return ids


def _claim(import_id: int, now: datetime) -> ImportJob | None:
    mine = ImportJob.objects.filter(pk=import_id, state=ImportState.QUEUED).update(
        state=ImportState.RUNNING, heartbeat_at=now, attempts=F("attempts") + 1
    )
    if not mine:
        return None
    ImportJob.objects.filter(pk=import_id, started_at=None).update(started_at=now)
    return ImportJob.objects.get(pk=import_id)


def _read_file(job: ImportJob, clock: Clock, progress: Progress | None) -> None:
    if job.attempts > MAX_ATTEMPTS:
        raise ImportGivenUp
    try:
        stream: BinaryIO = default_storage.open(job.file, "rb")  # type: ignore[assignment]
    except FileNotFoundError as error:
        raise ImportFileMissing from error
    with stream:
        _refuse_other_formats(stream)
        known = _known_before(job, stream)
        stream.seek(job.next_offset)
        position = Position(job.next_number, job.next_offset)
        items = _items(stream, position)
        while batch := list(islice(items, BATCH_SIZE)):
            end = _behind(batch[-1])
            job = write_batch(
                job_id=job.pk,
                items=[item for item, _ in batch],
                begin=position,
                end=end,
                known=known,
                now=clock(),
            )
            known.forget_records()
            position = end
            if progress is not None:
                progress(job)
            if job.rejected == job.total >= HOPELESS_AFTER and not _one_was_readable(job):
                raise NotMarc


_Read = tuple[Item, int]  # an outcome and its length in bytes


def _items(stream: BinaryIO, begin: Position) -> Iterator[_Read]:
    """The items from the stream's place on, numbered and placed as in the whole file."""
    for raw in split_records(stream):
        placed = replace(raw, number=raw.number + begin.number - 1, offset=raw.offset + begin.offset)
        length = len(placed.data) if hasattr(placed, "data") else placed.length
        yield read_item(placed), length


def _behind(last: _Read) -> Position:
    item, length = last
    return Position(item.number + 1, item.offset + length)


def _known_before(job: ImportJob, stream: BinaryIO) -> KnownTitles:
    """What a dry run that was interrupted had met already: it has written nothing, so it reads that part
    again.
    """
    known = KnownTitles()
    if job.dry_run and job.next_number > 1:
        stream.seek(0)
        for item, _ in _items(stream, Position(1, 0)):
            if item.number >= job.next_number:
                break
            if isinstance(item, ParsedRecord):
                known.place(Record(item))
                known.forget_records()
    return known


def _refuse_other_formats(stream: BinaryIO) -> None:
    """Refuse at once what is plainly something else, rather than report each of its bytes as a bad record."""
    found = sniff(stream.read(SNIFF_SIZE))
    if found not in (Format.MARC21, Format.UNIMARC, Format.UNKNOWN):
        raise NotMarc(found=str(found))


def _complete(import_id: int, now: datetime) -> None:
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().get(pk=import_id)
        if job.state != ImportState.RUNNING:
            return
        if not _one_was_readable(job):
            _end(job, ImportState.FAILED, now, error=NotMarc())
            return
        _end(job, ImportState.DONE, now)


def _one_was_readable(job: ImportJob) -> bool:
    readable = Q(outcome__in=[outcome for outcome in Outcome if outcome is not Outcome.REJECTED])
    return job.records.filter(readable | ~Q(code__in=[str(code) for code in UNREADABLE])).exists()


def _end_if_cancelled(import_id: int, now: datetime) -> None:
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().filter(pk=import_id, state=ImportState.RUNNING).first()
        if job is not None and job.cancel_requested:
            _end(job, ImportState.CANCELLED, now)


def _fail(import_id: int, error: DomainError, now: datetime) -> None:
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().filter(pk=import_id, state=ImportState.RUNNING).first()
        if job is not None:
            _end(job, ImportState.FAILED, now, error=error)


def _end(job: ImportJob, state: ImportState, now: datetime, *, error: DomainError | None = None) -> None:
    job.state, job.finished_at = state, now
    if error is not None:
        job.error_code, job.error_detail = error.code, str(error.extension_members.get("found", ""))
    job.save(update_fields=["state", "finished_at", "error_code", "error_detail"])
    counts = {str(outcome): getattr(job, outcome) for outcome in Outcome}
    changes = {"state": str(state), "error": job.error_code, **counts}
    audit.record(action="import.finished", target=job, by=SYSTEM, changes=changes, now=now)
    publish(kind=FINISHED, payload={"import_id": job.pk}, now=now)
    delete_upload_after_commit(job.file)
    log.info("import.finished", import_id=job.pk, **changes)
