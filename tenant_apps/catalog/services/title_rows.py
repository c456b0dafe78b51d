"""Writing titles with all that hangs on them, many at a time: COPY for what is new, one upsert for what
changed.

Every path that writes a title (import, form, API) comes through here, so that record, columns, links,
vocabulary and search vectors never differ. The caller holds the transaction and, for changed titles, their
row locks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models
from psycopg import sql

from tenant_apps.catalog.models import Contributor, Subject, Title, TitleContributor, TitleSubject, Word
from tenant_apps.catalog.rules.matching import Slot
from tenant_apps.catalog.rules.rows import MAX_HEADING, Record

_ContributorKey = tuple[str, str]


def write_titles(slots: Sequence[Slot], *, now: datetime) -> None:
    """Write each slot's record: a new title where it has no id (the slot gets it), else the next version."""
    pending = [slot for slot in slots if slot.record is not None]
    new = [slot for slot in pending if slot.title_id is None]
    changed = [slot for slot in pending if slot.title_id is not None]
    _insert(new, now=now)
    _replace(changed, now=now)
    _link(pending)
    _learn_words(slot.record for slot in pending if slot.record)


def copy_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows with COPY. `columns` are column names; values are what psycopg adapts."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _insert(slots: Sequence[Slot], *, now: datetime) -> None:
    if not slots:
        return
    rows = []
    columns: list[str] = []
    for slot, title_id in zip(slots, _reserve_ids(len(slots)), strict=True):
        slot.title_id, slot.version = title_id, 1
        values = _values(slot, now=now) | {"created_at": now}
        columns = list(values)
        rows.append(list(values.values()))
    copy_rows(Title, columns, rows)


def _replace(slots: Sequence[Slot], *, now: datetime) -> None:
    if not slots:
        return
    titles = []
    for slot in slots:
        slot.version += 1
        titles.append(Title(**_values(slot, now=now), created_at=now))
    changing = [name for name in _values(slots[0], now=now) if name != "id"]
    Title.objects.bulk_create(titles, update_conflicts=True, unique_fields=["id"], update_fields=changing)
    ids = [title.pk for title in titles]
    TitleContributor.objects.filter(title_id__in=ids).delete()
    TitleSubject.objects.filter(title_id__in=ids).delete()


def _values(slot: Slot, *, now: datetime) -> dict[str, Any]:
    assert slot.record is not None  # noqa: S101 - only slots with a record come here
    return {"id": slot.title_id, "version": slot.version, "updated_at": now, **slot.record.columns()}


def _reserve_ids(count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('catalog_title', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def _link(slots: Sequence[Slot]) -> None:
    contributors = _contributor_ids(slots)
    subjects = _subject_ids(slots)
    copy_rows(
        TitleContributor,
        ("title_id", "contributor_id", "role", "position"),
        [
            (slot.title_id, contributors[str(one.kind), one.normalised_name], str(one.role), position)
            for slot in slots
            if slot.record
            for position, one in enumerate(slot.record.contributors, start=1)
        ],
    )
    copy_rows(
        TitleSubject,
        ("title_id", "subject_id", "position"),
        [
            (slot.title_id, subjects[one.normalised[:MAX_HEADING]], position)
            for slot in slots
            if slot.record
            for position, one in enumerate(slot.record.subjects, start=1)
        ],
    )


def _contributor_ids(slots: Sequence[Slot]) -> dict[_ContributorKey, int]:
    names: dict[_ContributorKey, str] = {}
    for slot in slots:
        for one in slot.record.contributors if slot.record else ():
            names.setdefault(
                (str(one.kind), one.normalised_name), f"{one.name}, {one.dates}" if one.dates else one.name
            )
    known = _known_contributors(names)
    # In one order everywhere, so that two writers that meet wait for each other and never in a circle.
    missing = sorted(names.keys() - known.keys())
    if missing:
        Contributor.objects.bulk_create(
            [
                Contributor(kind=key[0], normalised_name=key[1], name=names[key][:MAX_HEADING])
                for key in missing
            ],
            ignore_conflicts=True,
        )
        known |= _known_contributors(missing)
    return known


def _known_contributors(keys: Iterable[_ContributorKey]) -> dict[_ContributorKey, int]:
    rows = Contributor.objects.filter(normalised_name__in=[key[1] for key in keys])
    return {(kind, name): pk for pk, kind, name in rows.values_list("pk", "kind", "normalised_name")}


def _subject_ids(slots: Sequence[Slot]) -> dict[str, int]:
    headings: dict[str, str] = {}
    for slot in slots:
        for one in slot.record.subjects if slot.record else ():
            headings.setdefault(one.normalised[:MAX_HEADING], one.heading[:MAX_HEADING])
    known = _known_subjects(headings)
    missing = sorted(headings.keys() - known.keys())
    if missing:
        Subject.objects.bulk_create(
            [Subject(normalised_heading=key, heading=headings[key]) for key in missing], ignore_conflicts=True
        )
        known |= _known_subjects(missing)
    return known


def _known_subjects(keys: Iterable[str]) -> dict[str, int]:
    rows = Subject.objects.filter(normalised_heading__in=list(keys))
    return {heading: pk for pk, heading in rows.values_list("pk", "normalised_heading")}


def _learn_words(records: Iterable[Record]) -> None:
    words = sorted({word for record in records for word in record.words})
    if words:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("INSERT INTO {} (word) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING").format(
                    sql.Identifier(Word._meta.db_table)
                ),
                [words],
            )
