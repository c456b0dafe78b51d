"""Adding and changing titles by hand. Each title has its MARC record, also one that was typed in."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.catalog.errors import RecordNotWritable
from tenant_apps.catalog.marc import RecordRejected, TitleDraft, TitleFacts, build_record
from tenant_apps.catalog.models import Title
from tenant_apps.catalog.rules.editing import edit_record, read_stored
from tenant_apps.catalog.rules.matching import Slot
from tenant_apps.catalog.rules.rows import Record
from tenant_apps.catalog.services.title_rows import write_titles

T = TypeVar("T")


def add_title(*, draft: TitleDraft, by: Actor, now: datetime) -> Title:
    """Add a title and write its MARC record. Raises RecordNotWritable.

    The draft's ISBNs are valid and its year is between 1000 and 2100, or build_record raises ValueError.
    """
    record = Record(read_stored(_writable(lambda: build_record(draft, entered_on=now.date()))))
    slot = Slot(None, 0, record.number, record.hash, record)
    with transaction.atomic():
        write_titles([slot], now=now)
        title = Title.objects.get(pk=slot.title_id or 0)
        audit.record(action="title.created", target=title, by=by, changes={"title": title.title}, now=now)
    return title


def change_title(
    *,
    title_id: int,
    changes: Mapping[str, Any],
    by: Actor,
    now: datetime,
    expect: Callable[[Title], None] | None = None,
) -> Title:
    """Change what a title's record says; `changes` has names and values of TitleDraft (rules.editing.TAGS).

    Every field of the record that says something else stays as it was. `expect` is called with the locked row
    and raises if the caller saw another version. A change that changes nothing leaves the version as it is.
    Raises NotFound and RecordNotWritable.
    """
    with transaction.atomic():
        title = Title.objects.select_for_update(no_key=True).filter(pk=title_id).first()
        if title is None:
            raise NotFound
        if expect is not None:
            expect(title)
        marc = zlib.decompress(bytes(title.marc))
        draft = replace(_draft_of(Record(read_stored(marc)).facts), **changes)
        parsed = _writable(lambda: edit_record(marc, draft, changes.keys(), entered_on=now.date()))
        if parsed.fields_hash == title.marc_hash:
            return title
        record = Record(parsed)
        write_titles([Slot(title.pk, title.version, title.control_number, record.hash, record)], now=now)
        audit.record(
            action="title.changed", target=title, by=by, changes={"fields": sorted(changes)}, now=now
        )
        return Title.objects.get(pk=title.pk)


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
