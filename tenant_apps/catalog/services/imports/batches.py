"""One batch of an import: titles, report lines, counters and position in one transaction, so each record
counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DataError, connection, transaction

from saas.core.tenancy import current_schema
from tenant_apps.catalog.marc import ParsedRecord, RejectedRecord
from tenant_apps.catalog.models import ImportJob, ImportRecord, ImportState, Title
from tenant_apps.catalog.rules.matching import KnownTitles, Outcome, Slot
from tenant_apps.catalog.rules.reports import NOT_STORABLE
from tenant_apps.catalog.rules.rows import Record
from tenant_apps.catalog.services.title_rows import copy_rows, write_titles

Item = ParsedRecord | RejectedRecord
_LABEL = ImportRecord._meta.get_field("label").max_length or 0
_DETAIL = ImportRecord._meta.get_field("detail").max_length or 0


class Overtaken(Exception):
    """The job is no longer where this runner believed: another runs it, or it was cancelled."""


@dataclass(slots=True)
class Line:
    """One line of the report: `detail` is the place in the record, the sentence belongs to the code (rules.reports).

    `slot` is the title that the record became or was found to be.
    """

    number: int
    offset: int
    outcome: Outcome
    code: str
    detail: str
    label: str
    slot: Slot | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where the file is read next: the number of the next record, from 1, and its byte offset, from 0."""

    number: int
    offset: int


def write_batch(
    *, job_id: int, items: Sequence[Item], begin: Position, end: Position, known: KnownTitles, now: datetime
) -> ImportJob:
    """Write a batch that begins at `begin` and ends before `end`. Raises Overtaken if the job is elsewhere by
    now.

    A record that the database refuses for its values is reported as rejected (`not_storable`), alone: the
    batch is undone and its halves are written one after the other, in the same transaction.
    """
    with transaction.atomic():
        job = _locked(job_id, begin)
        _one_import_batch_at_a_time()
        lines = _write(items, job, known, now)
        _count(job, lines, end, now)
    return job


def _locked(job_id: int, begin: Position) -> ImportJob:
    job = ImportJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None or job.state != ImportState.RUNNING:
        raise Overtaken
    if job.cancel_requested or (job.next_number, job.next_offset) != (begin.number, begin.offset):
        raise Overtaken
    return job


def _one_import_batch_at_a_time() -> None:
    """Two imports of one library that bring the same new title would collide; they take turns batch by
    batch.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"import:{current_schema()}"]
        )


def _write(items: Sequence[Item], job: ImportJob, known: KnownTitles, now: datetime) -> list[Line]:
    try:
        with transaction.atomic():
            lines = _decide(items, known if job.dry_run else KnownTitles())
            if not job.dry_run:
                write_titles([line.slot for line in _writes(lines)], now=now)  # type: ignore[misc]
            _report(job, lines)
            return lines
    except DataError:
        if len(items) > 1:
            middle = len(items) // 2
            return _write(items[:middle], job, known, now) + _write(items[middle:], job, known, now)
    (item,) = items
    lines = [Line(item.number, item.offset, Outcome.REJECTED, NOT_STORABLE, "", "")]
    _report(job, lines)
    return lines


def _writes(lines: Iterable[Line]) -> list[Line]:
    """Lines whose titles change, each title once, in the order of the file."""
    found: dict[int, Line] = {}
    for line in lines:
        if line.slot is not None and line.slot.record is not None:
            found.setdefault(id(line.slot), line)
    return list(found.values())


def _decide(items: Sequence[Item], known: KnownTitles) -> list[Line]:
    records = {item.number: Record(item) for item in items if isinstance(item, ParsedRecord)}
    _look_up(known, list(records.values()))
    lines = []
    for item in items:
        if isinstance(item, RejectedRecord):
            rejected = Outcome.REJECTED
            lines.append(Line(item.number, item.offset, rejected, str(item.code), item.detail, item.title))
            continue
        record = records[item.number]
        outcome, slot = known.place(record)
        code, detail = _remark(item)
        # An unchanged record is not read out just for its title: the report shows that of the stored one.
        label = "" if outcome is Outcome.UNCHANGED else record.facts.title
        lines.append(Line(item.number, item.offset, outcome, code, detail, label, slot))
    return lines


def _look_up(known: KnownTitles, records: Sequence[Record]) -> None:
    """Make known what the library has of these records: by hash, then by control number with the rows
    locked.
    """
    columns = ("pk", "version", "control_number", "marc_hash")
    rows = Title.objects.filter(marc_hash__in=known.missing_hashes(records)).order_by("pk")
    for row in rows.values_list(*columns):
        known.add(title_id=row[0], version=row[1], number=row[2], hash=row[3])
    numbers = known.missing_numbers(records)
    rows = Title.objects.filter(control_number__in=numbers).order_by("pk").select_for_update(no_key=True)
    for row in rows.values_list(*columns):
        known.add(title_id=row[0], version=row[1], number=row[2], hash=row[3])


def _remark(item: ParsedRecord) -> tuple[str, str]:
    """The first thing that was odd about a record that was kept whole."""
    if not item.warnings:
        return "", ""
    code, where = item.warnings[0]
    return str(code), where


def _report(job: ImportJob, lines: Sequence[Line]) -> None:
    copy_rows(
        ImportRecord,
        ("job_id", "number", "offset", "outcome", "code", "detail", "label", "title_id"),
        [
            (
                job.pk,
                line.number,
                line.offset,
                str(line.outcome),
                line.code,
                line.detail[:_DETAIL],
                line.label[:_LABEL],
                line.slot.title_id if line.slot and not job.dry_run else None,
            )
            for line in lines
        ],
    )


def _count(job: ImportJob, lines: Sequence[Line], end: Position, now: datetime) -> None:
    for outcome, count in Counter(line.outcome for line in lines).items():
        setattr(job, outcome, getattr(job, outcome) + count)
    job.next_number, job.next_offset = end.number, end.offset
    job.heartbeat_at, job.attempts = now, 0
    job.save(update_fields=[*map(str, Outcome), "next_number", "next_offset", "heartbeat_at", "attempts"])
