"""`manage.py library export`, `import` and `clone`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from saas.core import clock
from saas.core.api.renderers import dump
from shared_apps.fleet.services import verifying
from shared_apps.tenants.archive.errors import ArchiveError, ArchiveFailed, ArchiveRefused
from shared_apps.tenants.archive.export import Report, export_library, silent
from shared_apps.tenants.archive.failures import named
from shared_apps.tenants.archive.files import sync_folder
from shared_apps.tenants.archive.importing import Arrival, Target, check_import, clone_library, import_library
from shared_apps.tenants.archive.manifest import Manifest
from shared_apps.tenants.selectors import find_library_by_subdomain
from shared_apps.tenants.subcommands import Subcommand

REFUSED, FAILED, STOPPED = 1, 3, 130
_EXPORT = (
    "Write a library into one archive: every row of it, its files, and a manifest with checksums. People go on working "
    "meanwhile; the rows are those of one moment. The archive holds personal data and password hashes: keep it as you "
    "would keep the database. Exit code 0: done; 1: refused, nothing was written; 3: broke off, nothing is left. "
    "Example: manage.py library export riverside riverside.tar"
)
_IMPORT = (
    "Make a library out of an archive, here or on another installation. All of the archive is checked before anything "
    "is written; what fails afterwards is rolled back. An archive of an earlier release is migrated on the way, one "
    "of a later release is refused. The library keeps its id where it is free. Exit code 0: done; 1: refused, nothing "
    "was written; 3: broke off, rolled back. Example: manage.py library import riverside.tar --subdomain riverside"
)
_CLONE = (
    "Copy a library under another name, to try things with: a new id, no domains of its own, nobody signed in, and "
    "what the original had still to send is set aside. The copy holds the same people and passwords. "
    "Example: manage.py library clone riverside riverside-trial"
)


def _export_arguments(parser: CommandParser) -> None:
    parser.add_argument("subdomain", help="the library's subdomain, such as riverside")
    parser.add_argument("file", type=Path, help="where to write the archive (a tar file)")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    _json_argument(parser)


def _import_arguments(parser: CommandParser) -> None:
    parser.add_argument("file", type=Path, help="an archive that `library export` has written")
    parser.add_argument("--subdomain", required=True, help="the subdomain that the library gets here")
    parser.add_argument(
        "--host",
        action="append",
        metavar="DOMAIN",
        help="a domain of the library's own in place of those in the archive, to be proven here; may be repeated",
    )
    parser.add_argument("--plan", help="another plan than the archive's")
    parser.add_argument("--seal", help="refuse every archive but the one that `export` printed this seal for")
    parser.add_argument(
        "--reopen", action="store_true", help="open a library that was read-only, suspended or closed"
    )
    parser.add_argument(
        "--check", action="store_true", help="check the archive and the name, and write nothing"
    )
    _json_argument(parser)


def _clone_arguments(parser: CommandParser) -> None:
    parser.add_argument("subdomain", help="the subdomain of the library to copy")
    parser.add_argument("new_subdomain", metavar="new", help="the subdomain of the copy")
    _json_argument(parser)


def _json_argument(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print what was done, or why not, as JSON")


def _export(command: BaseCommand, options: dict[str, Any]) -> None:
    file: Path = options["file"]
    with _answered(command, options), _progress(command) as report:
        with named("writing the archive"):
            _require_replaceable(file, is_wanted=options["force"])
            with _new_file(file, replace=options["force"]) as target:
                manifest = export_library(
                    subdomain=options["subdomain"], target=target, now=clock.now(), report=report
                )
        size = file.stat().st_size
        drifted = _has_drifted(options["subdomain"])
    if options["json"]:
        _print_json(command, {**_numbers(manifest), "file": str(file), "bytes": size, "drifted": drifted})
    else:
        _say(command, f"{file}: {_counted(manifest)}, {size} bytes.", f"Seal: {manifest.seal}")
    if drifted:
        command.stderr.write(
            "The tables of this library are not those of its release, so the archive cannot be imported as it is:"
            f" see manage.py fleet verify --subdomain {options['subdomain']}, mend it, and export again."
        )


def _has_drifted(subdomain: str) -> bool:
    """Whether an import would refuse the archive for what its tables look like."""
    library = find_library_by_subdomain(subdomain)
    only = [library.schema_name] if library else []
    return bool(verifying.verify_fleet(only, progress=lambda _done, _total: None))


def _import(command: BaseCommand, options: dict[str, Any]) -> None:
    target = Target(
        subdomain=options["subdomain"],
        hosts=options["host"],
        plan=options["plan"],
        reopen=options["reopen"],
        seal=options["seal"],
    )
    with _answered(command, options), _progress(command) as report, _opened(options["file"]) as source:
        if options["check"]:
            _archive, _way, arrival = check_import(
                source=source, target=target, now=clock.now(), report=report
            )
        else:
            arrival = import_library(source=source, target=target, now=clock.now(), report=report)
    _print_arrival(command, options, arrival)


def _clone(command: BaseCommand, options: dict[str, Any]) -> None:
    with _answered(command, options), _progress(command) as report:
        arrival = clone_library(
            subdomain=options["subdomain"],
            new_subdomain=options["new_subdomain"],
            now=clock.now(),
            report=report,
        )
    _print_arrival(command, options, arrival)


SUBCOMMANDS: tuple[Subcommand, ...] = (
    Subcommand("export", _EXPORT, _export_arguments, _export),
    Subcommand("import", _IMPORT, _import_arguments, _import),
    Subcommand("clone", _CLONE, _clone_arguments, _clone),
)


# -- files ------------------------------------------------------------------------------------------------------------


def _require_replaceable(file: Path, *, is_wanted: bool) -> None:
    if not file.exists():
        return
    if not file.is_file():  # a folder, or a device, which every program of the machine would miss
        raise ArchiveRefused(
            "file_exists", f"{file} is not a plain file and is not replaced. Use another name."
        )
    if not is_wanted:
        raise ArchiveRefused("file_exists", f"{file} exists already. Use another name, or --force.")


@contextmanager
def _new_file(file: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """A file that is there under its name only once it is whole; FILE.part until then, and gone where it broke off."""
    part = file.with_name(f"{file.name}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as target:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ArchiveRefused("busy", f"Another export is writing {part} at the moment.") from error
        try:
            os.fchmod(descriptor, 0o600)  # a killed export may have left it to be written over
            target.truncate()
            yield target
            target.flush()
            os.fsync(descriptor)
            if file.exists() and not replace:
                raise ArchiveRefused(
                    "file_exists", f"{file} has appeared meanwhile. Use another name, or --force."
                )
            part.rename(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    sync_folder(file.absolute().parent)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    with named("opening the archive"):
        if not file.is_file():
            raise ArchiveRefused("no_file", f"{file} is not a file.")
        source = file.open("rb")
    with source:
        yield source


# -- what is printed --------------------------------------------------------------------------------------------------


@contextmanager
def _answered(command: BaseCommand, options: dict[str, Any]) -> Iterator[None]:
    """Turn a refusal or a failure into a message and an exit code; with --json it is printed as JSON as well."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise CommandError(
            "Stopped. What was not finished is rolled back.", returncode=STOPPED
        ) from interrupt
    except ArchiveError as error:
        if options["json"]:
            _print_json(command, {"error": {"code": error.code, "detail": str(error)}})
        raise CommandError(
            str(error), returncode=FAILED if isinstance(error, ArchiveFailed) else REFUSED
        ) from error


def _print_arrival(command: BaseCommand, options: dict[str, Any], arrival: Arrival) -> None:
    row, manifest = arrival.row, arrival.manifest
    written = arrival.library is not None
    if options["json"]:
        answer = {
            **_numbers(manifest),
            "subdomain": row.subdomain,
            "id": str(row.id),
            "kept_id": arrival.keeps_id,
            "status": row.status,
            "hosts": list(arrival.hosts),
            "migrated": list(arrival.migrated),
            "schema": arrival.library.schema_name if arrival.library else None,
            "written": written,
        }
        _print_json(command, answer)
        return
    verb = "is here and" if written else "can be imported; it would be"
    lines = [f"{row.subdomain} {verb} {row.status}: {_counted(manifest)}."]
    if arrival.migrated:
        lines.append(f"Migrated on the way: {', '.join(arrival.migrated)}.")
    if not arrival.keeps_id:
        lines.append(f"Its id is new: {row.id}." if written else "It would get a new id.")
    if arrival.hosts:
        lines.append(f"To be proven here: {', '.join(arrival.hosts)}.")
    _say(command, *lines)


def _numbers(manifest: Manifest) -> dict[str, Any]:
    return {
        "subdomain": manifest.library.subdomain,
        "release": manifest.release,
        "seal": manifest.seal,
        "made_at": manifest.made_at,
        "tables": len(manifest.tables),
        "rows": sum(table.rows for table in manifest.tables),
        "files": len(manifest.files),
    }


def _counted(manifest: Manifest) -> str:
    rows = sum(table.rows for table in manifest.tables)
    return f"{rows} rows of {len(manifest.tables)} tables and {len(manifest.files)} files"


def _print_json(command: BaseCommand, answer: dict[str, Any]) -> None:
    command.stdout.write(dump(answer).decode())


def _say(command: BaseCommand, *lines: str) -> None:
    for line in lines:
        command.stdout.write(line)


@contextmanager
def _progress(command: BaseCommand) -> Iterator[Report]:
    """A bar for each stage, on a terminal only, on stderr so that the report can be piped."""
    if not is_terminal(command):
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what.capitalize(), total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield report


def is_terminal(command: BaseCommand) -> bool:
    """Whether somebody watches."""
    return bool(getattr(command.stderr, "isatty", lambda: False)())
