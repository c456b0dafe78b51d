"""`manage.py import_records SUBDOMAIN FILE`: the same import as over HTTP, here and now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from saas.core import clock
from saas.core.api.renderers import dump
from saas.core.errors import DomainError
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library
from shared_apps.tenants.selectors import find_library_by_subdomain
from tenant_apps.catalog import selectors, services
from tenant_apps.catalog.api.import_serializers import ImportSerializer
from tenant_apps.catalog.errors import ImportInProgress
from tenant_apps.catalog.models import ImportJob, ImportState
from tenant_apps.catalog.rules.matching import Outcome
from tenant_apps.catalog.rules.reports import job_detail, record_detail

CHUNK = 1024 * 1024
SHOWN_REJECTIONS = 10
POLL_SECONDS = 0.5
_ENDED = (ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED)

Report = Callable[[ImportJob], None]


class Command(BaseCommand):
    """Exit code 0 when the file was read to its end, whatever was rejected in it; 1 when it was not."""

    help = (
        "Import a file of MARC 21 records into a library. The same file can be given again: records that are "
        "there already are left unchanged, and an import that was interrupted goes on where it stopped. "
        "Example: manage.py import_records riverside records.mrc --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """SUBDOMAIN FILE [--dry-run] [--json]."""
        parser.add_argument("subdomain", help="the library's subdomain, such as riverside")
        parser.add_argument("file", type=Path, help="a file of MARC 21 records (ISO 2709)")
        parser.add_argument(
            "--dry-run", action="store_true", help="report what would happen and write nothing"
        )
        parser.add_argument("--json", action="store_true", help="print the finished job as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the import and print its report."""
        library = find_library_by_subdomain(options["subdomain"])
        if library is None:
            raise CommandError(f'There is no library with the subdomain "{options["subdomain"]}".')
        if not library.is_open:
            raise CommandError(f'The library "{library.subdomain}" is {library.status} and takes no imports.')
        try:
            job = self._import(library, options["file"], dry_run=options["dry_run"])
        except DomainError as error:
            raise CommandError(str(error.detail or error.title)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        self._print(library, job, as_json=options["json"])

    def _import(self, library: LibraryContext, file: Path, *, dry_run: bool) -> ImportJob:
        with in_library(library), _progress(self._is_terminal()) as report:
            try:
                job = services.request_import(
                    chunks=_chunks(file),
                    file_name=file.name,
                    dry_run=dry_run,
                    by=SYSTEM,
                    now=clock.now(),
                    in_background=False,
                )
            except ImportInProgress as error:
                job = ImportJob.objects.get(pk=int(error.extension_members["import_id"]))
                self.stderr.write(f"Import {job.pk} of this file has begun already; going on with it.")
            while job.state not in _ENDED:
                services.run_import(import_id=job.pk, clock=clock.now, progress=report)
                job.refresh_from_db()
                # Not ours to run: another process has it, or had it when it was killed.
                if job.state not in _ENDED and not services.take_over_import(
                    import_id=job.pk, now=clock.now()
                ):
                    report(job)
                    time.sleep(POLL_SECONDS)
            return job

    def _is_terminal(self) -> bool:
        return bool(getattr(self.stderr, "isatty", lambda: False)())

    def _print(self, library: LibraryContext, job: ImportJob, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(dump(ImportSerializer(job).data).decode())
        elif job.state == ImportState.DONE:
            self._print_report(library, job)
        if job.state != ImportState.DONE:
            code = job.error_code
            reason = job_detail(code, job.error_detail) if code else f"the import was {job.state}"
            raise CommandError(f"{job.file_name}: {reason}")

    def _print_report(self, library: LibraryContext, job: ImportJob) -> None:
        counts = ", ".join(f"{getattr(job, outcome)} {outcome}" for outcome in Outcome)
        note = " (dry run: nothing was written)" if job.dry_run else ""
        self.stdout.write(f"{job.file_name}: {job.total} records read: {counts}{note}.")
        with in_library(library):
            rejected = selectors.records_of(job, outcome=Outcome.REJECTED).order_by("number")
            for row in rejected[:SHOWN_REJECTIONS]:
                where = f"  record {row.number} at byte {row.offset}: {row.code}"
                detail = record_detail(row.code, row.detail, rejected=True)
                self.stdout.write(f"{where}: {detail} {row.label}".rstrip())
        if job.rejected > SHOWN_REJECTIONS:
            self.stdout.write(f"  and {job.rejected - SHOWN_REJECTIONS} more.")


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


@contextmanager
def _progress(is_terminal: bool) -> Iterator[Report]:
    """A bar of bytes read, on a terminal only, on stderr so that the report can be piped."""
    if not is_terminal:
        yield lambda job: None
        return
    columns = (
        TextColumn("Importing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[records]} records"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("import", total=None, records=0)
        yield lambda job: bar.update(task, total=job.file_size, completed=job.next_offset, records=job.total)
