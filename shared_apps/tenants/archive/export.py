"""Writing a library into an archive: one snapshot of its rows, then its files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from psycopg import sql

from saas.core.db.owner import OWNER, owner_connection
from saas.core.tenancy import in_public
from saas.settings.env import PROJECT_ROOT
from shared_apps.fleet.services.releases import key_of, library_migrations
from shared_apps.tenants.archive import files, tables
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.failures import named
from shared_apps.tenants.archive.manifest import (
    MAX_FILES,
    LibraryRow,
    Manifest,
    SequenceState,
    StoredFile,
    Table,
    file_member,
    table_member,
)
from shared_apps.tenants.archive.writer import ArchiveWriter, TooLarge
from shared_apps.tenants.models import Library, LibraryStatus

# Told what is being done, and how far it is: done and total, in whatever unit.
Report = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """A report for nobody."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What an export reads from: a library's row, and a cursor of the owner's in the snapshot."""

    library: Library
    cursor: Any
    report: Report

    @property
    def schema(self) -> str:
        return str(self.library.schema_name)


def export_library(*, subdomain: str, target: BinaryIO, now: datetime, report: Report = silent) -> Manifest:
    """Write a library's archive to a file that can be positioned; what its manifest says.

    The rows are those of one moment; the files are read after it. People go on working meanwhile; a migration waits.
    Raises ArchiveRefused for a library that does not exist, is not whole, or has what no archive can hold, and
    ArchiveFailed and OSError where reading or writing breaks off.
    """
    library = _library(subdomain)
    with named("exporting the library"), owner_connection() as wrapper:
        with wrapper.cursor() as cursor:
            locked = tables.table_shapes(cursor, library.schema_name)
        with transaction.atomic(using=OWNER), wrapper.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            tables.apply_settings(cursor)
            tables.lock_against_changes(cursor, library.schema_name, [shape.name for shape in locked])
            if tables.table_shapes(cursor, library.schema_name) != locked:
                raise ArchiveRefused("migrating", "The library is being migrated at the moment. Try again.")
            return _write(_Source(library, cursor, report), locked, ArchiveWriter(target), now)


def _library(subdomain: str) -> Library:
    with in_public():
        library = Library.objects.filter(subdomain=subdomain).first()
    if library is None:
        raise ArchiveRefused("library_unknown", f'There is no library with the subdomain "{subdomain}".')
    if library.status in {LibraryStatus.PROVISIONING, LibraryStatus.DELETED} or library.erasing_since:
        raise ArchiveRefused(
            "not_whole", f"{subdomain} is {library.status}: there is nothing whole to archive."
        )
    return library


def _write(
    source: _Source, shapes: tuple[tables.TableShape, ...], writer: ArchiveWriter, now: datetime
) -> Manifest:
    rows = tuple(_tables(source, shapes, writer))
    migrations = _migrations(source)
    manifest = Manifest(
        product=product_version(),
        release=key_of(".".join(each) for each in migrations),
        migrations=migrations,
        library=LibraryRow(**{each.name: getattr(source.library, each.name) for each in fields(LibraryRow)}),
        domains=_domains(source),
        left_out=tuple(sorted(tables.LEFT_OUT & {shape.name for shape in shapes})),
        tables=rows,
        sequences=tuple(_sequences(source)),
        files=tuple(_files(source, writer)),
        made_at=now,
    )
    try:
        writer.close(manifest)
    except TooLarge as error:
        raise ArchiveRefused("too_large", f"The library is too large for an archive: {error}.") from error
    return manifest


def _tables(source: _Source, shapes: tuple[tables.TableShape, ...], writer: ArchiveWriter) -> Iterator[Table]:
    for number, shape in enumerate(shapes):
        source.report("tables", number, len(shapes))
        is_kept = shape.name not in tables.LEFT_OUT
        rows = tables.copy_out(source.cursor, source.schema, shape) if is_kept else iter(())
        written = writer.add(table_member(shape.name), rows)
        yield Table(shape.name, shape.columns, written.lines, written.size, written.sha256)


def _sequences(source: _Source) -> Iterator[SequenceState]:
    for name in tables.sequence_names(source.cursor, source.schema):
        yield tables.read_sequence(source.cursor, source.schema, name)


def _files(source: _Source, writer: ArchiveWriter) -> Iterator[StoredFile]:
    names = files.list_files(source.schema)
    if len(names) > MAX_FILES:
        raise ArchiveRefused(
            "too_large", f"The library has {len(names)} files; an archive holds {MAX_FILES}."
        )
    number = 0
    for place, name in enumerate(names):
        source.report("files", place, len(names))
        opened = files.open_file(source.schema, name)
        if opened is None:
            continue  # the work that needed it has ended since
        with opened:
            written = writer.add(file_member(number), files.chunks(opened))
        yield StoredFile(name, written.size, written.sha256)
        number += 1


def _migrations(source: _Source) -> tuple[tuple[str, str], ...]:
    """The library apps' migrations that the schema has: others are recorded there too, and made nothing."""
    labels = {known.split(".")[0] for known in library_migrations()}
    table = sql.Identifier(source.schema, "django_migrations")
    source.cursor.execute(sql.SQL("SELECT DISTINCT app, name FROM {}").format(table))
    return tuple(sorted((app, name) for app, name in source.cursor.fetchall() if app in labels))


def _domains(source: _Source) -> tuple[str, ...]:
    with in_public():
        return tuple(sorted(source.library.domains.values_list("domain", flat=True)))


def product_version() -> str:
    """The version of LibraryHub, as pyproject.toml has it."""
    return str(tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"])
