"""An export is there whole or not at all, and never over somebody's file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from saas.core.db.owner import OWNER, owner_connection
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.tenants.archive import commands, export, tables
from shared_apps.tenants.models import Library
from tests.shared_apps.tenants.archive.conftest import Answer

Run = Callable[..., Answer]


def test_the_report(source: LibraryContext, tmp_path: Path, library_command: Run) -> None:
    answer = library_command("export", "east", tmp_path / "a.tar")
    assert answer.code == 0
    assert " tables and 4 files, " in answer.out
    assert "Seal: " in answer.out
    assert answer.err == ""
    told = library_command("export", "east", tmp_path / "b.tar", "--json").json
    assert told["subdomain"] == "east"
    assert told["files"] == 4
    assert told["bytes"] == (tmp_path / "b.tar").stat().st_size
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "b.tar", "media"]


def test_a_drifted_library_is_exported_with_a_warning(
    source: LibraryContext, tmp_path: Path, library_command: Run
) -> None:
    """An archive that no import takes is better than none, but nobody should rely on it unknowing."""
    schema = source.schema_name
    with owner_connection() as owner, owner.cursor() as cursor:
        try:
            assert library_command("export", "east", tmp_path / "a.tar").err == ""
            cursor.execute(f"CREATE TABLE {schema}.made_by_hand (id bigint)")
            answer = library_command("export", "east", tmp_path / "b.tar")
            assert (answer.code, "fleet verify --subdomain east" in answer.err) == (0, True)
            assert library_command("export", "east", tmp_path / "c.tar", "--json").json["drifted"] is True
            assert library_command("import", tmp_path / "b.tar", "--subdomain", "eastern").code == 1
        finally:
            cursor.execute(f"DROP TABLE IF EXISTS {schema}.made_by_hand")
    assert library_command("import", tmp_path / "a.tar", "--subdomain", "eastern").code == 0


def test_a_terminal_gets_a_bar(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "is_terminal", lambda command: True)
    assert library_command("export", "east", tmp_path / "a.tar").code == 0
    assert library_command("import", tmp_path / "a.tar", "--subdomain", "eastern").code == 0


def test_an_existing_file_stays_unless_it_is_to_be_replaced(
    source: LibraryContext, tmp_path: Path, library_command: Run
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"somebody's")
    answer = library_command("export", "east", path, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "file_exists")
    assert path.read_bytes() == b"somebody's"
    assert library_command("export", "east", path, "--force").code == 0
    assert path.read_bytes() != b"somebody's"


@pytest.mark.parametrize("kind", ["folder", "pipe", "link_to_a_pipe", "no_name"])
def test_what_is_no_file_is_never_replaced(
    source: LibraryContext, tmp_path: Path, library_command: Run, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device is not tried here, because a fault would take the machine's own away."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link_to_a_pipe").symlink_to("pipe")
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    answer = library_command(
        "export", "east", "" if kind == "no_name" else tmp_path / kind, "--force", "--json"
    )
    assert (answer.code, answer.json["error"]["code"]) == (1, "file_exists")
    assert {path.name: path.lstat().st_mode for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("subcommand", ["export", "import"])
def test_a_name_that_no_disk_takes_is_named(
    source: LibraryContext, tmp_path: Path, library_command: Run, subcommand: str
) -> None:
    file = tmp_path / ("a" * 300)
    arguments = ("east", file) if subcommand == "export" else (file, "--subdomain", "eastern")
    answer = library_command(subcommand, *arguments, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "disk")
    assert not any(path.name.startswith("aaa") for path in tmp_path.iterdir())


def test_what_a_killed_export_left_is_written_over(
    source: LibraryContext, tmp_path: Path, library_command: Run
) -> None:
    (tmp_path / "a.tar.part").write_bytes(b"x" * 10_000_000)
    os.chmod(tmp_path / "a.tar.part", 0o644)
    assert library_command("export", "east", tmp_path / "a.tar").code == 0
    assert (tmp_path / "a.tar").stat().st_size < 10_000_000
    assert (tmp_path / "a.tar").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "a.tar.part").exists()


def test_two_at_once_do_not_mix(source: LibraryContext, tmp_path: Path, library_command: Run) -> None:
    with (tmp_path / "a.tar.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"other")
        other.flush()
        answer = library_command("export", "east", tmp_path / "a.tar", "--json")
        assert (answer.code, answer.json["error"]["code"]) == (1, "busy")
        assert (tmp_path / "a.tar.part").read_bytes() == b"other"


def test_one_that_breaks_off_leaves_no_file(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(export.ArchiveWriter, "close", full)
        answer = library_command("export", "east", tmp_path / "a.tar", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "disk_full")
    assert [path.name for path in tmp_path.iterdir()] == ["media"]
    assert library_command("export", "east", tmp_path / "a.tar").code == 0


def test_a_folder_that_is_not_there(source: LibraryContext, tmp_path: Path, library_command: Run) -> None:
    answer = library_command("export", "east", tmp_path / "nowhere" / "a.tar")
    assert answer.code == 3
    assert "nowhere" in answer.err


def test_libraries_that_cannot_be_archived(
    source: LibraryContext, tmp_path: Path, library_command: Run
) -> None:
    answer = library_command("export", "nowhere", tmp_path / "a.tar", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "library_unknown")
    for status in ("provisioning", "deleted"):
        with in_public():
            Library.objects.filter(pk=source.id).update(status=status)
        try:
            answer = library_command("export", "east", tmp_path / "a.tar", "--json")
        finally:
            with in_public():
                Library.objects.filter(pk=source.id).update(status="active")
        assert (answer.code, answer.json["error"]["code"]) == (1, "not_whole")
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


@pytest.mark.parametrize("kind", ["link", "fifo", "undecodable", "control"])
def test_files_that_no_archive_can_hold(
    source: LibraryContext, media: Path, tmp_path: Path, library_command: Run, kind: str
) -> None:
    folder = media / source.schema_name
    if kind == "link":
        (folder / "link").symlink_to("/etc/passwd")
    elif kind == "fifo":
        os.mkfifo(folder / "pipe")
    else:
        (folder / ("a\nb" if kind == "control" else os.fsdecode(b"\xff"))).touch()
    answer = library_command("export", "east", tmp_path / "a.tar", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "bad_file")
    assert not (tmp_path / "a.tar").exists()


def test_a_file_that_goes_while_the_others_are_written(
    source: LibraryContext, media: Path, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = export.files.open_file

    def gone(schema: str, name: str) -> Any:
        if name == "imports/empty":
            (media / schema / name).unlink(missing_ok=True)
        return opened(schema, name)

    monkeypatch.setattr(export.files, "open_file", gone)
    assert library_command("export", "east", tmp_path / "a.tar", "--json").json["files"] == 3
    assert library_command("import", tmp_path / "a.tar", "--subdomain", "eastern").code == 0


def test_more_files_than_an_archive_holds(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_FILES", 3)
    answer = library_command("export", "east", tmp_path / "a.tar", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "too_large")


def test_a_table_that_is_locked(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a migration, say: waited for, not longer than a lock is waited for anywhere, and named."""
    monkeypatch.setattr(tables, "SETTINGS", (*tables.SETTINGS, "SET LOCAL lock_timeout TO '100ms'"))
    with owner_connection() as other, transaction.atomic(using=OWNER), other.cursor() as cursor:
        cursor.execute("LOCK TABLE lib_east.branches_branch IN ACCESS EXCLUSIVE MODE")
        answer = library_command("export", "east", tmp_path / "a.tar", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (3, "busy")
    assert library_command("export", "east", tmp_path / "a.tar").code == 0


def test_a_migration_between_the_first_look_and_the_lock(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tables.lock_against_changes

    def alter(statement: str) -> None:
        with owner_connection() as other, other.cursor() as cursor:
            cursor.execute(f"ALTER TABLE lib_east.branches_branch {statement}")

    def late(*args: Any) -> None:
        alter("ADD COLUMN extra integer")
        lock(*args)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(tables, "lock_against_changes", late)
            answer = library_command("export", "east", tmp_path / "a.tar", "--json")
    finally:
        alter("DROP COLUMN extra")
    assert (answer.code, answer.json["error"]["code"]) == (1, "migrating")
    assert not (tmp_path / "a.tar").exists()
    assert library_command("export", "east", tmp_path / "a.tar").code == 0


def test_stopped_by_its_user(
    source: LibraryContext, tmp_path: Path, library_command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export.ArchiveWriter, "close", interrupted)
    assert library_command("export", "east", tmp_path / "a.tar").code == 130
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_help_teaches(capsys: pytest.CaptureFixture[str], library_command: Run) -> None:
    for name in ("export", "import", "clone"):
        with pytest.raises(SystemExit) as ended:
            library_command(name, "--help")
        assert ended.value.code == 0
        assert f"manage.py library {name} riverside" in capsys.readouterr().out.replace("\n", " ").replace(
            "  ", " "
        )
