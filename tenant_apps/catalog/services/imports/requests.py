"""Asking for an import, and calling it off."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.catalog.errors import ImportFinished, ImportInProgress
from tenant_apps.catalog.models import ImportJob, ImportState
from tenant_apps.catalog.services.imports.upload import (
    StoredFile,
    clean_file_name,
    delete_upload,
    delete_upload_after_commit,
    store_upload,
)

WAITING = (ImportState.QUEUED, ImportState.RUNNING)
REQUESTED = "import.requested"


def request_import(
    *,
    chunks: Iterable[bytes],
    file_name: str,
    dry_run: bool = False,
    format: str = "",
    by: Actor,
    now: datetime,
    in_background: bool = True,
) -> ImportJob:
    """Keep an uploaded file and queue its import; a worker begins after commit.

    `in_background=False` leaves the start to the caller (run_import). Raises EmptyFile, BodyTooLarge, and
    ImportInProgress while the same bytes wait or run; of a file that was refused nothing is kept.
    """
    stored = store_upload(chunks, limit=settings.IMPORT_MAX_BYTES)
    try:
        with transaction.atomic():
            job = _insert(stored, file_name, dry_run=dry_run, format=format, by=by, now=now)
            changes = {"sha256": stored.sha256, "bytes": stored.size, "dry_run": dry_run}
            audit.record(action="import.requested", target=job, by=by, changes=changes, now=now)
            if in_background:
                publish(kind=REQUESTED, payload={"import_id": job.pk}, now=now)
    except BaseException:
        delete_upload(stored.name)
        raise
    return job


def _insert(
    stored: StoredFile, file_name: str, *, dry_run: bool, format: str, by: Actor, now: datetime
) -> ImportJob:
    job = ImportJob(
        file=stored.name,
        file_name=clean_file_name(file_name),
        file_size=stored.size,
        file_sha256=stored.sha256,
        format=format,
        dry_run=dry_run,
        created_by=by.user_id,
        created_at=now,
        heartbeat_at=now,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        other = waiting_import(sha256=stored.sha256, dry_run=dry_run)
        raise ImportInProgress(import_id=str(other.pk) if other else None) from error
    return job


def waiting_import(*, sha256: str, dry_run: bool) -> ImportJob | None:
    """The job of the same bytes that waits or runs; at most one does."""
    return ImportJob.objects.filter(file_sha256=sha256, dry_run=dry_run, state__in=WAITING).first()


def cancel_import(*, import_id: int, by: Actor, now: datetime) -> ImportJob:
    """Call an import off. One that waits ends at once, one that runs at the end of its batch; what it wrote
    stays.

    Calling off twice is the same as once. Raises NotFound and ImportFinished.
    """
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().filter(pk=import_id).first()
        if job is None:
            raise NotFound
        if job.state == ImportState.CANCELLED or (job.state in WAITING and job.cancel_requested):
            return job
        if job.state not in WAITING:
            raise ImportFinished
        job.cancel_requested = True
        if job.state == ImportState.QUEUED:
            job.state, job.finished_at = ImportState.CANCELLED, now
            delete_upload_after_commit(job.file)
        job.save(update_fields=["cancel_requested", "state", "finished_at"])
        audit.record(action="import.cancelled", target=job, by=by, now=now)
    return job
