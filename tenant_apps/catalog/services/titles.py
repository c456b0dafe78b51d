"""Adding and changing titles by hand. Each title has its MARC record, also one that was typed in."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from saas.core.errors import NotFound
from saas.core.fields import next_version
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.catalog.errors import RecordNotWritable
from tenant_apps.catalog.marc import RecordRejected, TitleDraft, TitleFacts, build_record
from tenant_apps.catalog.models import Title
from tenant_apps.catalog.rules.editing import edit_record, read_stored
from tenant_apps.catalog.rules.matching import Slot
from tenant_apps.catalog.rules.rows import Record
from tenant_apps.catalog.services.title_rows import write_titles
from tenant_apps.collections.selectors import Collection
from tenant_apps.collections.services import lock_collection

T = TypeVar("T")


def add_title(*, draft: TitleDraft, collection: Collection | None = None, by: Actor, now: datetime) -> Title:
    """Add a title and write its MARC record. Raises RecordNotWritable, and NotFound for a collection that is gone.

    The draft's ISBNs are valid and its year is between 1000 and 2100, or build_record raises ValueError.
    """
    record = Record(read_stored(_writable(lambda: build_record(draft, entered_on=now.date()))))
    slot = Slot(None, 0, record.number, record.hash, record)
    with transaction.atomic():
        write_titles([slot], now=now)
        changes: dict[str, Any] = {}
        if collection is not None:
            lock_collection(collection.pk)
            Title.objects.filter(pk=slot.title_id or 0).update(collection=collection)
            changes = {"collection": collection.code}
        title = Title.objects.get(pk=slot.title_id or 0)
        changes = {"title": title.title, **changes}
        audit.record(action="title.created", target=title, by=by, changes=changes, now=now)
    return title


def change_title(
    *,
    title_id: int,
    changes: Mapping[str, Any],
    by: Actor,
    now: datetime,
    expect: Callable[[Title], None] | None = None,
) -> Title:
    """Change what a title's record says, and its collection.

    `changes` has names and values of TitleDraft (rules.editing.TAGS), and `collection` (a Collection or None), which
    is not in the record. Every field of the record that says something else stays as it was. `expect` is called with
    the locked row and raises if the caller saw another version or may not change it. A change that changes nothing
    leaves the version as it is. Raises NotFound and RecordNotWritable.
    """
    with transaction.atomic():
        title = Title.objects.select_for_update(no_key=True).filter(pk=title_id).first()
        if title is None:
            raise NotFound
        if expect is not None:
            expect(title)
        fields = {name: value for name, value in changes.items() if name != "collection"}
        record = _changed_record(title, fields, now)
        moved = _moved(title, changes)
        if record is None and not moved:
            return title
        if record is not None:
            write_titles([Slot(title.pk, title.version, title.control_number, record.hash, record)], now=now)
        if moved:
            _move(title, changes["collection"], now=now, counted=record is not None)
        entry: dict[str, Any] = {"fields": sorted(changes)} | moved
        audit.record(action="title.changed", target=title, by=by, changes=entry, now=now)
        return Title.objects.get(pk=title.pk)


def _changed_record(title: Title, fields: Mapping[str, Any], now: datetime) -> Record | None:
    """The title's record with these fields changed; None where that changes nothing."""
    if not fields:
        return None
    marc = zlib.decompress(bytes(title.marc))
    draft = replace(_draft_of(Record(read_stored(marc)).facts), **fields)
    parsed = _writable(lambda: edit_record(marc, draft, fields.keys(), entered_on=now.date()))
    return None if parsed.fields_hash == title.marc_hash else Record(parsed)


def _moved(title: Title, changes: Mapping[str, Any]) -> dict[str, list[str | None]]:
    """What the audit log says about another collection; nothing where the title stays in its own."""
    if "collection" not in changes:
        return {}
    target = changes["collection"]
    if (target.pk if target is not None else None) == title.collection_id:
        return {}
    codes = [row.code if row is not None else None for row in (title.collection, target)]
    return {"collection": codes}


def _move(title: Title, target: Collection | None, *, now: datetime, counted: bool) -> None:
    """Put a locked title into another collection; `counted` where its version has gone up already."""
    if target is not None:
        lock_collection(target.pk)
    rows = Title.objects.filter(pk=title.pk)
    if counted:
        rows.update(collection=target)
    else:
        rows.update(collection=target, version=next_version(), updated_at=now)


def _draft_of(facts: TitleFacts) -> TitleDraft:
    """A draft to lay changes upon; only what is changed is read from it, and fields that belong together."""
    return TitleDraft(
        title=facts.title,
        subtitle=facts.subtitle,
        year=facts.year,
        publisher=facts.publisher,
        place=facts.place,
    )


def _writable(write: Callable[[], T]) -> T:
    try:
        return write()
    except RecordRejected as error:
        raise RecordNotWritable(str(error)) from error
