"""A library out of an archive: everything is checked first, and everything is written in one transaction.

That transaction is the owner's: it makes the schema and its role, loads the rows, migrates them where the archive is of
an earlier release, and writes the public rows. The files lie in their place before it commits (staging). So a fault or
a kill at any point leaves no library, and a library that is there is whole.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import structlog
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.db.owner import OWNER, owner_connection
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.fleet.services.arriving import bring_forward, make_schema_as_of
from shared_apps.tenants import domain_names, rules
from shared_apps.tenants.archive import checks, files, staging, tables
from shared_apps.tenants.archive.checks import Way
from shared_apps.tenants.archive.errors import ArchiveFailed, ArchiveRefused
from shared_apps.tenants.archive.export import Report, export_library, silent
from shared_apps.tenants.archive.failures import named
from shared_apps.tenants.archive.loading import load_rows
from shared_apps.tenants.archive.manifest import LibraryRow, Manifest, file_member
from shared_apps.tenants.archive.reader import Archive, open_archive
from shared_apps.tenants.archive.sandbox import silence
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Domain, Library
from shared_apps.tenants.selectors import context_of
from shared_apps.tenants.services.lifecycle import note
from shared_apps.tenants.services.renaming import require_not_held

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """What a library is to become here.

    `subdomain` as a person wrote it; `hosts` are its own domains in place of the archive's (None: the archive's);
    `plan` likewise. `reopen` lifts what held it back where it was (read-only, suspended, closed). `seal`, where given,
    must be the archive's. A `sandbox` is a copy to try things with: it gets an id of its own, no domains, and sends
    nothing that the original had still to send.
    """

    subdomain: str
    hosts: Sequence[str] | None = None
    plan: str | None = None
    reopen: bool = False
    seal: str | None = None
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an import has made, or would make: `migrated` names the migrations ("app.name") that the archive lacked.

    `library` is None where nothing was written. `keeps_id` is False where the library has a new id, because its own
    is another's here.
    """

    manifest: Manifest
    row: LibraryRow
    hosts: tuple[str, ...]
    migrated: tuple[str, ...]
    keeps_id: bool
    library: LibraryContext | None = None


def check_import(
    *, source: BinaryIO, target: Target, now: datetime, report: Report = silent
) -> tuple[Archive, Way, Arrival]:
    """Check an archive and its target, and write nothing. Raises ArchiveRefused.

    `source` is a regular file, opened for reading, and stays so while the archive is in use.
    """
    with named("reading the archive"):
        archive = open_archive(source, _counted(report, "checking", _size_of(source)))
    manifest = archive.manifest
    if target.seal is not None and target.seal != manifest.seal:
        raise ArchiveRefused(
            "other_seal", f"The archive's seal is {manifest.seal}, not the one that you gave."
        )
    with named("checking the target"):
        way = checks.check_release(manifest)
        row = _row_here(manifest.library, target, now)
        row = replace(row, subdomain=checks.check_subdomain(target.subdomain))
        checks.check_library(row, now=now)
        hosts = _hosts_here(manifest, target)
        keeps_id = not target.sandbox and checks.id_is_free(row)
    row = row if keeps_id else replace(row, id=uuid.uuid4())
    return archive, way, Arrival(manifest, row, hosts, way.lacks, keeps_id)


def import_library(*, source: BinaryIO, target: Target, now: datetime, report: Report = silent) -> Arrival:
    """Make a library out of an archive. Raises ArchiveRefused before anything is written, ArchiveFailed afterwards.

    Nothing is left of one that failed; of one that was killed, a folder of files that nobody looks into, which the next
    import removes.
    """
    archive, way, arrival = check_import(source=source, target=target, now=now, report=report)
    with named("clearing up after an earlier import"):
        staging.settle_all()
    library = _write(archive, way, arrival, target, now, report)
    log.info("library.imported", library=library.subdomain, rows=sum(t.rows for t in arrival.manifest.tables))
    return replace(arrival, library=library)


def clone_library(*, subdomain: str, new_subdomain: str, now: datetime, report: Report = silent) -> Arrival:
    """Make a copy of a library to try things with, under another name. Raises like export and import."""
    checks.check_subdomain(new_subdomain)
    # A file without a name: whatever happens, nobody finds other people's data in it later.
    with tempfile.TemporaryFile() as copy:
        with named("writing the copy"):
            export_library(subdomain=subdomain, target=cast(BinaryIO, copy), now=now, report=report)
            copy.flush()
        target = Target(subdomain=new_subdomain, hosts=(), reopen=True, sandbox=True)
        return import_library(source=cast(BinaryIO, copy), target=target, now=now, report=report)


def _row_here(row: LibraryRow, target: Target, now: datetime) -> LibraryRow:
    row = replace(row, plan=target.plan or row.plan)
    if target.reopen:
        # Without a hold the status says how the library stands; `standing` is written when a hold begins.
        standing = row.status if row.status in rules.STANDINGS else row.standing
        row = replace(
            row, status=standing, standing=standing, restricted_at=None, suspended_at=None, closed_at=None
        )
    if target.sandbox:
        standing = rules.TRIALING if row.status == rules.TRIALING else rules.ACTIVE
        row = replace(row, status=standing, standing=standing, created_at=now)
    return row


def _hosts_here(manifest: Manifest, target: Target) -> tuple[str, ...]:
    """What the archive brings and cannot be a library's here is left out; what was asked for is refused."""
    if target.hosts is not None:
        return tuple(sorted({checks.check_host(host) for host in target.hosts}))
    return tuple(host for host in manifest.domains if checks.can_be_host(host))


def _write(
    archive: Archive, way: Way, arrival: Arrival, target: Target, now: datetime, report: Report
) -> LibraryContext:
    schema = ""
    try:
        with named("importing the library"), owner_connection() as wrapper, transaction.atomic(using=OWNER):
            schema = make_schema_as_of(wrapper, way.has)
            folder = staging.begin(wrapper, schema)
            read = _counted(report, "loading", archive.size)
            with wrapper.cursor() as cursor:
                tables.apply_settings(cursor)
                load_rows(cursor, schema, archive, read)
                if target.sandbox:
                    silence(cursor, schema)
            if way.lacks:
                report("migrating", 0, len(way.lacks))
                bring_forward(wrapper, schema)
            _write_files(archive, folder, read)
            library = _write_public_rows(wrapper, schema, arrival, now)
    except BaseException as problem:
        # The answer to a COMMIT can get lost: only the database knows.
        if not (schema and staging.settle_after(schema) and isinstance(problem, ArchiveFailed)):
            raise
        return _found(schema)
    staging.settle_after(schema)
    return library


def _write_files(archive: Archive, folder: Path, read: Callable[[int], None]) -> None:
    for number, entry in enumerate(archive.manifest.files):
        files.write_file(folder, entry.name, archive.blocks(file_member(number)))
        read(entry.size)
    files.sync_folders(folder)


def _write_public_rows(wrapper: Any, schema: str, arrival: Arrival, now: datetime) -> LibraryContext:
    row = arrival.row
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    with _services_use(wrapper), in_public():
        try:
            library = Library(schema_name=schema, **values)
            with refused_if_taken(SubdomainTaken):
                library.save(force_insert=True)  # type: ignore[no-untyped-call]
            require_not_held(row.subdomain, library_id=library.id)
        except SubdomainTaken as error:
            message = (
                f'Somebody else has made a library "{row.subdomain}", or this one, meanwhile. Try again.'
            )
            raise ArchiveFailed("subdomain_taken", message) from error
        Domain.objects.bulk_create(
            Domain(tenant=library, domain=host, token=domain_names.new_token(), created_at=now)
            for host in arrival.hosts
        )
        changes = {
            "subdomain": row.subdomain,
            "seal": arrival.manifest.seal,
            "release": arrival.manifest.release,
        }
        note(library, action="library.imported", by=SYSTEM, changes=changes, now=now)
        return context_of(library)


@contextmanager
def _services_use(wrapper: Any) -> Iterator[None]:
    """Let services work in the owner's transaction: they speak to "default", whichever connection that is."""
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = wrapper
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before


def _found(schema: str) -> LibraryContext:
    with in_public():
        return context_of(Library.objects.get(schema_name=schema))


def _size_of(source: BinaryIO) -> int:
    return os.fstat(source.fileno()).st_size


def _counted(report: Report, what: str, total: int) -> Callable[[int], None]:
    done = 0

    def read(size: int) -> None:
        nonlocal done
        done += size
        report(what, done, total)

    return read
