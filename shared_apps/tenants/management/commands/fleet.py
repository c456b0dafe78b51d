"""`manage.py fleet SUBCOMMAND`: where the libraries stand, and whether their tables are what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from saas.core.api.renderers import dump
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.fleet import selectors
from shared_apps.fleet.errors import UnknownBackfill
from shared_apps.fleet.selectors import BackfillStanding
from shared_apps.fleet.services import backfills, verifying
from shared_apps.tenants.command_failures import told_in_one_sentence
from shared_apps.tenants.fleet_names import libraries_with_a_schema, names_of, schema_named

_STATUS = (
    "Show each library's version (number of migrations, and the release), how many migrations it is behind this code, "
    "and what its last migration died of. Backfills that are not finished are listed below. Example: "
    "manage.py fleet status --behind"
)
_VERIFY = (
    "Compare the tables of each library with those of its release, object by object, and the ids of its content types "
    "and permissions. Exit code 1 if anything differs. A library that has drifted is still migrated, by itself; mend "
    "it by hand until verify is silent. Example: manage.py fleet verify --subdomain riverside"
)
_BACKFILL = (
    "Fill a new column of the rows that are there already, in every library, by background tasks that may be stopped "
    "at any time; run it again to see how far it is, or to go on where it stopped with an error. With --here it runs "
    "in this process and needs no worker. Example: manage.py fleet backfill catalog.sort_keys --here"
)


class Command(BaseCommand):
    """Exit code 0 when all is well; 1 when a library differs from its release, or a backfill stopped."""

    help = (
        "All libraries at once: their versions, their drift, their backfills. Example: manage.py fleet status"
    )
    requires_system_checks: Any = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """status, verify, backfill."""
        choices = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        status = choices.add_parser("status", help="versions, lags and last errors", description=_STATUS)
        status.add_argument(
            "--behind", action="store_true", help="those alone that are behind or have failed"
        )
        verify = choices.add_parser("verify", help="physical drift, library by library", description=_VERIFY)
        verify.add_argument("-s", "--schema", dest="schema_name", help="the library with this schema alone")
        verify.add_argument("--subdomain", help="the library with this subdomain alone")
        backfill = choices.add_parser("backfill", help="fill a new column of old rows", description=_BACKFILL)
        backfill.add_argument("name", help="the backfill, such as catalog.sort_keys")
        backfill.add_argument("--here", action="store_true", help="run it now, in this process")
        for each in (status, verify, backfill):
            each.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand. Raises CommandError."""
        run: dict[str, Callable[[dict[str, Any]], None]] = {
            "status": self._status,
            "verify": self._verify,
            "backfill": self._backfill,
        }
        with told_in_one_sentence():
            run[options["subcommand"]](options)

    # -- status -----------------------------------------------------------------------------------------------------

    def _status(self, options: dict[str, Any]) -> None:
        with in_public():
            found = selectors.standings(selectors.all_schemas())
        names = names_of(row.schema for row in found if not row.is_spare)
        shown = [row for row in found if not options["behind"] or row.lag != 0 or row.error]
        unfinished = selectors.unfinished_backfills()
        names |= names_of(row.schema for row in unfinished)
        if options["json"]:
            libraries = [
                {
                    "subdomain": names[row.schema],
                    "version": row.version,
                    "lag": row.lag,
                    "error": row.error,
                    "attempts": row.attempts,
                    "failed_at": row.failed_at,
                    "migrated_at": row.migrated_at,
                }
                for row in shown
                if not row.is_spare
            ]
            spares = [{"version": row.version, "lag": row.lag} for row in shown if row.is_spare]
            self._print_json(
                libraries=libraries,
                spares=spares,
                version=selectors.current_version(),
                backfills=[_told(row, names) for row in unfinished],
            )
            return
        self.stdout.write(f"This code is at {selectors.current_version()}.")
        for row in sorted(shown, key=lambda row: (row.is_spare, names.get(row.schema, row.schema))):
            name = f"(spare {row.schema})" if row.is_spare else names[row.schema]
            self.stdout.write(f"{name:<40} {row.version:<14} {_behind(row.lag):<12} {row.error}".rstrip())
        for each in unfinished:
            self.stdout.write(_line(each, names))

    # -- verify -----------------------------------------------------------------------------------------------------

    def _verify(self, options: dict[str, Any]) -> None:
        schema = schema_named(schema=options["schema_name"], subdomain=options["subdomain"])
        with in_public():
            if schema is not None and not selectors.all_schemas().filter(pk=schema).exists():
                raise CommandError(f'There is no library with the schema "{schema}".')
        with self._bar("Comparing") as progress:
            drifts = verifying.verify_fleet(None if schema is None else (schema,), progress=progress)
        names = names_of(drift.schema for drift in drifts)
        if options["json"]:
            told = [
                {"library": names[drift.schema], "differences": list(drift.differences)} for drift in drifts
            ]
            self._print_json(drifted=told)
        else:
            for drift in drifts:
                self.stdout.write(f"{names[drift.schema]}:")
                for line in drift.differences:
                    self.stdout.write(f"  {line}")
            if not drifts:
                self.stdout.write("Every library has the tables of its release.")
        if drifts:
            raise CommandError(f"{len(drifts)} libraries differ from their release.")

    # -- backfill ---------------------------------------------------------------------------------------------------

    def _backfill(self, options: dict[str, Any]) -> None:
        name, libraries = options["name"], list(libraries_with_a_schema())
        try:
            backfills.start_backfill(name=name, libraries=libraries)
        except UnknownBackfill as error:
            raise CommandError(str(error)) from error
        if options["here"]:
            self._run_here(name, libraries)
        rows = selectors.backfills_named(name)
        names = names_of(row.schema for row in rows)
        if options["json"]:
            self._print_json(name=name, libraries=[_told(row, names) for row in rows])
        else:
            for row in rows:
                self.stdout.write(_line(row, names))
        stopped = [row for row in rows if row.error]
        if stopped:
            raise CommandError(f"{len(stopped)} libraries stopped; mend what is named, then run it again.")

    def _run_here(self, name: str, libraries: list[LibraryContext]) -> None:
        with self._bar(name) as progress:
            for number, library in enumerate(libraries):
                backfills.run_backfill(name=name, library=library)
                progress(number + 1, len(libraries))

    # -- output -----------------------------------------------------------------------------------------------------

    def _print_json(self, **answer: Any) -> None:
        self.stdout.write(dump(answer).decode())

    @contextmanager
    def _bar(self, description: str) -> Iterator[Callable[[int, int], None]]:
        """A bar of libraries, on a terminal only, on stderr."""
        if not getattr(self.stderr, "isatty", lambda: False)():
            yield lambda done, total: None
            return
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(description, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


def _behind(lag: int | None) -> str:
    if lag is None:
        return "unknown"
    return f"{lag} behind" if lag else "up to date"


def _told(row: BackfillStanding, names: dict[str, str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "library": names[row.schema],
        "batches": row.batches,
        "last_id": row.last_id,
        "finished": row.is_finished,
        "error": row.error,
    }


def _line(row: BackfillStanding, names: dict[str, str]) -> str:
    state = "finished" if row.is_finished else row.error or "not finished"
    return f"{row.name} in {names[row.schema]}: {row.batches} batches, {state}"
