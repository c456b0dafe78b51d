"""Backfills: what fills a new column of rows that are there already, between the release that adds it and the one that
needs it (docs/adr/0006).

An app declares one in a module `backfills` of its own:

    @backfill("catalog.sort_keys", batch=500)
    def fill_sort_keys(after: int | None, size: int) -> int | None:
        rows = list(Title.objects.filter(id__gt=after or 0).order_by("id")[:size])
        ...
        return rows[-1].id if rows else None

Each batch is a transaction in the library's schema; how far it came is written in the public registry after it, so a
process killed between the two runs that batch again: a backfill writes the same when it meets the same rows twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import autodiscover_modules

from saas.core import clock as system_clock
from saas.core.tenancy import LibraryContext, in_library, in_public
from shared_apps.fleet.errors import UnknownBackfill
from shared_apps.fleet.models import Backfill
from shared_apps.fleet.services.applying import error_text

log = structlog.get_logger(__name__)
# Longer than a batch may take; after it, whoever works on a library counts as gone.
_LEASE = timedelta(minutes=2)

Batch = Callable[[int | None, int], int | None]


@dataclass(frozen=True, slots=True)
class DeclaredBackfill:
    """One backfill: rows in a batch, and seconds of rest between two, in which the library's people have the disk."""

    name: str
    run_batch: Batch
    batch: int
    pause: float


_DECLARED: dict[str, DeclaredBackfill] = {}


def backfill(name: str, *, batch: int = 1000, pause: float = 0.05) -> Callable[[Batch], Batch]:
    """Declare a backfill: `function(after, size)` does the rows after the key `after` (None: from the first).

    It returns the last key that it has done, None when there was nothing left. Raises ValueError for a name that is
    taken.
    """

    def declare(function: Batch) -> Batch:
        if name in _DECLARED:
            raise ValueError(f"there is a backfill {name} already")
        _DECLARED[name] = DeclaredBackfill(name, function, batch, pause)
        return function

    return declare


def declared_backfill(name: str) -> DeclaredBackfill:
    """The backfill of this name. Raises UnknownBackfill."""
    autodiscover_modules("backfills")
    if name not in _DECLARED:
        raise UnknownBackfill(name, sorted(_DECLARED))
    return _DECLARED[name]


def start_backfill(*, name: str, libraries: Iterable[LibraryContext]) -> int:
    """Note that the backfill is to be run in these libraries; tasks do the rest. How many it is new for.

    One that stopped with an error goes on where it stopped. Raises UnknownBackfill.
    """
    declared_backfill(name)
    schemas = [library.schema_name for library in libraries]
    with in_public():
        rows = Backfill.objects.filter(name=name)
        rows.filter(schema__in=schemas, finished_at=None).update(error="")
        known = set(rows.values_list("schema", flat=True))
        new = [Backfill(name=name, schema=schema) for schema in schemas if schema not in known]
        Backfill.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def waiting_backfills(*, now: datetime) -> dict[str, list[str]]:
    """Names of backfills that are not finished and nobody works on, for each schema, whatever its library's status."""
    idle = Q(running_until=None) | Q(running_until__lt=now)
    waiting: dict[str, list[str]] = {}
    with in_public():
        rows = Backfill.objects.filter(idle, finished_at=None, error="").order_by("id")
        for name, schema in rows.values_list("name", "schema"):
            waiting.setdefault(schema, []).append(name)
    return waiting


def run_backfill(
    *,
    name: str,
    library: LibraryContext,
    seconds: float | None = None,
    clock: Callable[[], datetime] = system_clock.now,
    sleep: Callable[[float], None] = time.sleep,
    progress: Callable[[Backfill], None] = lambda row: None,
) -> bool:
    """Run the backfill in one library from where it stopped, for `seconds` at most (None: to its end).

    Whether nothing is left to do for the caller: it is finished, it failed (the row has the error), or somebody else
    works on it. Outside of a transaction. Raises UnknownBackfill.
    """
    declared = declared_backfill(name)
    row = _claimed(name, library.schema_name, clock())
    until = None if seconds is None else clock() + timedelta(seconds=seconds)
    while row is not None:
        try:
            with in_library(library), transaction.atomic():
                last = declared.run_batch(row.last_id, declared.batch)
        except Exception as error:  # what the app's own code raises is shown with the library's row
            log.exception("fleet.backfill_failed", backfill=name, library=library.subdomain)
            _release(row, error=error_text(error))
            return True
        if last is None:
            _release(row, finished_at=clock())
            progress(row)
            return True
        if not _advance(row, last, clock()):
            return True  # the lease was lost: whoever has it goes on
        progress(row)
        if until is not None and clock() >= until:
            _release(row)
            return False
        sleep(declared.pause)
    return True


def _claimed(name: str, schema: str, now: datetime) -> Backfill | None:
    """The row, with a lease for us; None where it is finished or somebody else's."""
    idle = Q(running_until=None) | Q(running_until__lt=now)
    with in_public():
        Backfill.objects.bulk_create(
            [Backfill(name=name, schema=schema, started_at=now)], ignore_conflicts=True
        )
        rows = Backfill.objects.filter(name=name, schema=schema)
        if not rows.filter(idle, finished_at=None).update(running_until=now + _LEASE, error=""):
            return None
        return rows.get()


def _advance(row: Backfill, last: int, now: datetime) -> bool:
    """Write how far it came, if the lease is still ours, and extend that."""
    before, row.last_id, row.batches = row.running_until, last, row.batches + 1
    row.running_until = now + _LEASE
    with in_public():
        ours = Backfill.objects.filter(pk=row.pk, running_until=before)
        return bool(ours.update(last_id=row.last_id, batches=row.batches, running_until=row.running_until))


def _release(row: Backfill, *, error: str = "", finished_at: datetime | None = None) -> None:
    before, row.error, row.finished_at, row.running_until = row.running_until, error, finished_at, None
    with in_public():
        ours = Backfill.objects.filter(pk=row.pk, running_until=before)
        ours.update(error=row.error, finished_at=row.finished_at, running_until=None)
