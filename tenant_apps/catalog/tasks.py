"""Background work of the catalogue: running imports, and taking up those whose worker died."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.tasks import in_each_library, library_task, public_task
from shared_apps.delivery.services import handles
from shared_apps.tenants.selectors import open_libraries
from tenant_apps.catalog import services


@library_task(name="catalog.run_import", queue="bulk")
def run_import(*, import_id: int) -> None:
    """Run one import of the library; may be started any number of times."""
    services.run_import(import_id=import_id, clock=clock.now)


@handles(services.REQUESTED)
def start_requested_import(payload: dict[str, Any]) -> None:
    """Hand an import that was asked for to a worker."""
    run_import.enqueue(import_id=payload["import_id"])


@public_task(name="catalog.resume_imports")
def resume_imports() -> None:
    """Visit every open library and start again what stands still there."""
    in_each_library(open_libraries(), _resume)


def _resume() -> None:
    for import_id in services.resume_stalled_imports(now=clock.now()):
        run_import.enqueue(import_id=import_id)
