"""kill -9 in the middle of an import: no library, nothing in the database, and the next import clears the files away."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from saas.core.db.owner import owner_connection
from saas.core.tenancy import LibraryContext
from shared_apps.tenants.selectors import find_library_by_subdomain
from tests.shared_apps.tenants.archive.conftest import Answer
from tests.shared_apps.tenants.archive.processes import PROJECT, environment, media_of
from tests.shared_apps.tenants.archive.synthetic import contents_of

pytestmark = [pytest.mark.deep, pytest.mark.slow]
Run = Callable[..., Answer]
Look = Callable[[], dict[str, Any]]

# Imports an archive and stands still in one place, until it is killed there.
PROGRAM = """
import importlib, sys, time
import django
django.setup()
from django.core.management import call_command

file, module, name, when = sys.argv[1:]

def stand_still():
    print("there", flush=True)
    time.sleep(60)

if module:
    owner = importlib.import_module(f"shared_apps.tenants.archive.{module}")
    original = getattr(owner, name)

    def half(blocks):
        for block in blocks:
            yield block[: len(block) // 2]
            stand_still()

    def stopped(*args):
        if when == "before":
            stand_still()
        if when == "inside":
            args = (*args[:-1], half(args[-1]))
        result = original(*args)
        if when == "after":
            stand_still()
        return result

    setattr(owner, name, stopped)
else:
    print("there", flush=True)
call_command("library", "import", file, "--subdomain", "killed")
"""
NAME = "an import to be killed"
BEFORE_COMMIT = [
    ("importing", "make_schema_as_of", "after"),
    ("tables", "copy_in", "inside"),
    ("tables", "set_sequence", "after"),
    ("importing", "load_rows", "after"),
    ("files", "write_file", "inside"),
    ("files", "write_file", "after"),
    ("files", "sync_folders", "after"),
    ("importing", "_write_public_rows", "after"),
]


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """The media folder that the killed process has too."""
    settings.MEDIA_ROOT = media_of(tmp_path)
    settings.MEDIA_ROOT.mkdir(parents=True)
    return Path(settings.MEDIA_ROOT)


def start(file: Path, *where: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(file), *(where or ("", "", ""))],
        cwd=PROJECT,
        env={**environment(data=file.parent), "PGAPPNAME": NAME},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=10) in {-signal.SIGKILL, 0}
    assert process.stdout is not None
    process.stdout.close()
    connection.close()
    deadline = time.monotonic() + 20
    while _others() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _others()


def _others() -> int:
    """Connections of the killed process that the server has not ended yet."""
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            [NAME],
        )
        return int(cursor.fetchone()[0])


def schemas_begun(media: Path) -> list[str]:
    return [path.name for path in media.glob(".importing/*/lib_*")]


def has_role(schema: str) -> bool:
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [schema])
        return bool(cursor.fetchone()[0])


def in_database(found: dict[str, Any]) -> dict[str, Any]:
    return {name: rows for name, rows in found.items() if name != "files"}


def assert_whole_and_alone(media: Path) -> None:
    """The library "killed" has all of its files, and nobody else has any but the original."""
    library = find_library_by_subdomain("killed")
    assert library is not None
    assert set(schemas_begun(media)) <= {library.schema_name}
    folders = {path.name for path in media.iterdir() if path.name != ".importing"}
    assert folders == {"lib_east", library.schema_name}
    theirs, ours = media / "lib_east", media / library.schema_name
    files = {str(path.relative_to(theirs)): path.read_bytes() for path in theirs.rglob("*") if path.is_file()}
    assert {
        str(path.relative_to(ours)): path.read_bytes() for path in ours.rglob("*") if path.is_file()
    } == files


@pytest.mark.parametrize("where", BEFORE_COMMIT, ids="-".join)
def test_killed_before_the_commit_nothing_is_left(
    source: LibraryContext,
    archive: Path,
    media: Path,
    library_command: Run,
    everything: Look,
    where: tuple[str, str, str],
) -> None:
    before = everything()
    process = start(archive, *where)
    assert find_library_by_subdomain("killed") is None
    kill(process)
    assert in_database(everything()) == in_database(before)
    for schema in schemas_begun(media):
        assert not has_role(schema)
    assert library_command("import", archive, "--subdomain", "killed").code == 0
    assert_whole_and_alone(media)


def test_killed_after_the_commit_the_library_is_whole(
    source: LibraryContext, archive: Path, media: Path, library_command: Run, tmp_path: Path
) -> None:
    kill(start(archive, "staging", "settle_after", "before"))
    library = find_library_by_subdomain("killed")
    assert library is not None
    assert schemas_begun(media) == [library.schema_name]
    # Another import clears the marker away, and leaves the files where they are.
    assert library_command("import", archive, "--subdomain", "another").code == 0
    assert schemas_begun(media) == []
    assert library_command("export", "killed", tmp_path / "killed.tar").code == 0
    contents = [contents_of(path.read_bytes()) for path in (archive, tmp_path / "killed.tar")]
    for each in contents:
        del each["manifest.json"]
    assert contents[0] == contents[1]


def test_one_that_is_under_way_is_left_alone(
    source: LibraryContext, archive: Path, media: Path, library_command: Run
) -> None:
    process = start(archive, "importing", "_write_public_rows", "after")
    try:
        (schema,) = schemas_begun(media)
        assert library_command("import", archive, "--subdomain", "another").code == 0
        assert schemas_begun(media) == [schema]
        assert sum(1 for path in (media / schema).rglob("*") if path.is_file()) == 4
    finally:
        kill(process)
    assert library_command("import", archive, "--subdomain", "onemore").code == 0
    assert schemas_begun(media) == []
    assert not (media / schema).exists()


def test_killed_at_any_moment(
    source: LibraryContext, archive: Path, media: Path, library_command: Run, everything: Look
) -> None:
    before = everything()
    dice = random.Random(20)  # noqa: S311
    for _each in range(6):
        process = start(archive)
        time.sleep(dice.uniform(0.0, 1.2))
        kill(process)
        if find_library_by_subdomain("killed") is not None:
            break  # it was faster; then it is whole
        assert in_database(everything()) == in_database(before)
    else:
        assert library_command("import", archive, "--subdomain", "killed").code == 0
    assert_whole_and_alone(media)
