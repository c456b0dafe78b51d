"""Keeping the pool of spares full, and filling new columns of old rows."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.tasks import library_task, public_task
from saas.core.tenancy import current_library, in_library
from shared_apps.delivery.ports import open_libraries
from shared_apps.delivery.services import handles
from shared_apps.fleet import services
from shared_apps.fleet.services import backfills

# A worker is not one library's for longer than this; the rest of its backfill queues up again.
_TURN_SECONDS = 20.0
# A thousand tasks at once would stand before everything else that waits.
_AT_ONCE = 50
# Nor may turns pile up that no worker has had time for: they are sent again every half minute.
_WORTH_SECONDS = 60


@public_task(name="fleet.refill_spares")
def refill_spares() -> None:
    """Make the spares that are missing; sent after each claim, and once a minute."""
    services.refill_spares()


@handles("library.created")
def on_library_created(payload: dict[str, Any]) -> None:
    """Replace the spare that the library took, in a task of its own: the outbox need not wait for a schema."""
    refill_spares.enqueue()


@library_task(name="fleet.backfill", queue="bulk", expires=_WORTH_SECONDS)
def run_backfill(*, name: str) -> None:
    """A turn of one backfill in this library; sent again until nothing is left."""
    if not backfills.run_backfill(name=name, library=current_library(), seconds=_TURN_SECONDS):
        run_backfill.enqueue(name=name)


@public_task(name="fleet.resume_backfills")
def resume_backfills() -> None:
    """Begin what was asked for, and go on with what a killed worker or a lost message left; a part of it each time."""
    waiting, sent = backfills.waiting_backfills(now=clock.now()), 0
    for library in open_libraries() if waiting else ():
        names = waiting.get(library.schema_name, [])
        with in_library(library):
            for name in names:
                run_backfill.enqueue(name=name)
        sent += len(names)
        if sent >= _AT_ONCE:
            return
