"""Erasing a library: its schema with everything in it, its role, its files, its cache entries; then its row's name.

Each step may run twice and be killed anywhere. The library is "deleted" only once all of it is gone; until then it is
"closed" with `erasing_since`, and the next run goes on. Search entries are rows of the schema and go with it; counters
of rate limits are digests that Redis forgets within the hour. The row stays, for the audit log and the books, without
the subdomain, which somebody else may have from then on.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import transaction

from saas.core.principals import SYSTEM, Actor
from saas.core.tenancy import in_library, in_public
from shared_apps.fleet import services as fleet
from shared_apps.tenants import rules
from shared_apps.tenants.models import Library, LibraryStatus
from shared_apps.tenants.rules import Command
from shared_apps.tenants.selectors import context_of
from shared_apps.tenants.services.lifecycle import life_of, locked_library, note, refused

log = structlog.get_logger(__name__)


def libraries_to_erase(*, now: datetime) -> list[uuid.UUID]:
    """Closed libraries whose data were kept long enough, and those whose erasure was cut short; the oldest first."""
    with in_public():
        closed = Library.objects.filter(status=LibraryStatus.CLOSED)
        begun = Library.objects.filter(erasing_since__isnull=False, deleted_at__isnull=True)
        rows = (closed | begun).order_by("closed_at", "id")
        return [row.id for row in rows if _is_due(row, now)]


def erase_library(
    *, library_id: uuid.UUID, by: Actor = SYSTEM, now: datetime, at_once: bool = False
) -> Library:
    """Erase for good a library whose time is up, or that was never opened; a deleted one stays as it is.

    With `at_once` a closed library is not kept any longer. Raises LibraryUnknown and InvalidTransition. Not to be
    called in a transaction: what is gone is gone.
    """
    library = _begin(library_id, by, now, at_once)
    if library.status == LibraryStatus.DELETED:
        return library
    context = context_of(library)
    # First what reads the rest: without tables nobody writes files or cache entries any more.
    fleet.drop_schema(library.schema_name)
    with in_library(context):
        cast(Any, default_storage).delete_all()
        # Not `cache.clear()`, which would pass over a Redis that is away.
        cast(Any, cache).client.delete_pattern("*")
    return _finish(library_id, by, now)


def begin_erasure(*, library_id: uuid.UUID, by: Actor, now: datetime) -> Library:
    """Make the erasure of a closed library due at once, in the caller's public transaction; there is no way back.

    The next run of `tenants.erase_closed` does it. Raises LibraryUnknown and InvalidTransition.
    """
    return _begin(library_id, by, now, at_once=True)


def _is_due(library: Library, now: datetime) -> bool:
    kept = timedelta(days=settings.CLOSED_LIBRARY_DAYS)
    return rules.is_due_for_erasure(life_of(library), kept=kept, now=now)


def _begin(library_id: uuid.UUID, by: Actor, now: datetime, at_once: bool) -> Library:
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        possible = rules.after(life_of(library), Command.ERASE, now) is not None
        # Looked at again under the lock: it may have been restored, and closed anew, since it was listed.
        if not possible or not (at_once or library.status == LibraryStatus.DELETED or _is_due(library, now)):
            raise refused(library)
        if library.status != LibraryStatus.DELETED and library.erasing_since is None:
            library.erasing_since = now
            library.bump()
            library.save(update_fields=["erasing_since", "version"])  # type: ignore[no-untyped-call]
            note(library, action="library.erasure_begun", by=by, changes={"from": library.status}, now=now)
    return library


def _finish(library_id: uuid.UUID, by: Actor, now: datetime) -> Library:
    with in_public(), transaction.atomic():
        library = locked_library(library_id)
        if library.status == LibraryStatus.DELETED:
            return library  # another worker was as far
        changes = {"subdomain": library.subdomain, "schema": library.schema_name}
        library.domains.all().delete()
        library.former_subdomains.all().delete()
        library.status, library.deleted_at = LibraryStatus.DELETED, now
        # No host name can spell it: nobody finds the library by its name any more, and the name is free.
        library.subdomain = f"~{library.id.hex}"
        library.bump()
        library.save(  # type: ignore[no-untyped-call]
            update_fields=["status", "deleted_at", "subdomain", "version"]
        )
        note(library, action="library.deleted", by=by, changes=changes, now=now)
    log.info("library.erased", library=changes["subdomain"])
    return library
