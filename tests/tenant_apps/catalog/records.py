"""Catalogue data for tests: titles through the service, copies, MARC files that are built here and not read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library
from tenant_apps.branches.models import Branch
from tenant_apps.catalog import services
from tenant_apps.catalog.marc import DraftContributor, MaterialType, TitleDraft, build_record, parse_record
from tenant_apps.catalog.marc.record import ParsedRecord, RawRecord
from tenant_apps.catalog.models import Copy, ImportJob, ItemType, Title
from tenant_apps.circulation.models import Loan
from tenant_apps.preferences import services as preferences
from tests.tenant_apps.circulation.factories import PatronFactory

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


def draft(title: str = "Emma", *, by: Iterable[str] = (), **fields: Any) -> TitleDraft:
    """A draft; `by` are names of authors."""
    kind = MaterialType(fields.pop("material_type", "book"))
    names = [DraftContributor(name) for name in by]
    return TitleDraft(title=title, contributors=names, material_type=kind, **fields)


def marc(title: str = "Emma", **fields: Any) -> bytes:
    """One record as it stands in a file."""
    return build_record(draft(title, **fields), entered_on=NOW.date())


def parsed(title: str = "Emma", *, number: int = 1, **fields: Any) -> ParsedRecord:
    """One record as the reader gives it."""
    return parse_record(RawRecord(number=number, offset=0, data=marc(title, **fields)))


def marc_file(count: int, *, prefix: str = "n", title: str = "Title") -> bytes:
    """A file of `count` records with the control numbers n1, n2, ..."""
    return b"".join(marc(f"{title} {at}", control_number=f"{prefix}{at}") for at in range(1, count + 1))


def add_title(title: str = "Emma", **fields: Any) -> Title:
    """A title of the current library."""
    return services.add_title(draft=draft(title, **fields), by=SYSTEM, now=NOW)


def add_copy(title: Title, barcode: str, *, branch: str = "main", **fields: Any) -> Copy:
    """A copy of a title at a branch, which is made where it is missing."""
    place, _ = Branch.objects.get_or_create(
        code=branch, defaults={"name": branch.title(), "time_zone": "Europe/Rome"}
    )
    flags = {name: fields.pop(name) for name in ("lost_at", "damaged_at", "withdrawn_at") if name in fields}
    copy = services.add_copy(
        title=title,
        barcode=barcode,
        item_type=ItemType.objects.get(code=fields.pop("item_type", "book")),
        home_branch=place,
        by=SYSTEM,
        now=NOW,
        **fields,
    )
    for name, value in flags.items():
        setattr(copy, name, value)
    copy.save()
    return copy


def lend(copy: Copy, *, due_at: dt.datetime = NOW + dt.timedelta(days=14), returned: bool = False) -> Loan:
    """A loan of a copy, written as a row: what lends is circulation's business."""
    return Loan.objects.create(
        copy=copy,
        patron=PatronFactory(),
        branch=copy.home_branch,
        checked_out_at=NOW,
        due_at=due_at,
        returned_at=NOW + dt.timedelta(hours=1) if returned else None,
    )


def request(data: bytes, *, file_name: str = "records.mrc", **options: Any) -> ImportJob:
    """A queued import of these bytes."""
    return services.request_import(chunks=[data], file_name=file_name, by=SYSTEM, now=NOW, **options)


def run(data: bytes, **options: Any) -> ImportJob:
    """An import of these bytes, run to its end."""
    job = request(data, **options)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    return job


def counts(job: ImportJob) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    return job.created, job.updated, job.unchanged, job.rejected


def close_to_guests(library: LibraryContext) -> None:
    """Who has not signed in sees nothing of this library's catalogue any more."""
    with in_library(library):
        preferences.change(values={"guests_may_search": False}, by=SYSTEM, now=NOW)


PRICE = Decimal("12.50")
