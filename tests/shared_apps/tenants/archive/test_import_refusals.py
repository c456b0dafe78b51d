"""What cannot become a library here is refused, and the installation is as it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saas.core.tenancy import in_public
from shared_apps.fleet.services import key_of
from shared_apps.tenants.archive import checks, files, tables
from shared_apps.tenants.models import FormerSubdomain, Library
from tests.factories import NOW
from tests.shared_apps.tenants.archive.conftest import Answer
from tests.shared_apps.tenants.archive.synthetic import contents_of, members_of, packed, with_manifest

Run = Callable[..., Answer]
Look = Callable[[], dict[str, Any]]


@pytest.fixture
def archive(whole_archive: Path, erased_afterwards: None) -> Path:
    """Here it is the archive that matters, not the library that it is of."""
    return whole_archive


@pytest.fixture
def refused(
    archive: Path, tmp_path: Path, library_command: Run, everything: Look
) -> Iterator[Callable[..., dict[str, str]]]:
    """`refused(content)`: code and text with which an import of these bytes is refused; nothing is left by it.

    The positive control comes last: the untouched archive is taken, in the same place and under the same name.
    """
    before = everything()
    path = tmp_path / "tried.tar"

    def try_it(content: bytes | None = None, *args: object, subdomain: str = "eastern") -> dict[str, str]:
        path.write_bytes(archive.read_bytes() if content is None else content)
        answer = library_command("import", path, "--subdomain", subdomain, "--json", *args)
        assert answer.code == 1, answer
        assert everything() == before
        error: dict[str, str] = answer.json["error"]
        assert answer.err == error["detail"]
        return error

    yield try_it
    assert library_command("import", archive, "--subdomain", "eastern").code == 0
    assert everything() != before


def test_truncated_or_changed(archive: Path, refused: Callable[..., dict[str, str]]) -> None:
    data = archive.read_bytes()
    for length in (0, 1, 511, 512, 513, len(data) // 3, len(data) // 2, len(data) - 1024, len(data) - 1):
        assert refused(data[:length])["code"] in {"empty", "truncated", "not_an_archive"}
    for name, (offset, size) in members_of(data).items():
        if size:
            changed = bytearray(data)
            changed[offset + size // 2] ^= 0x20
            error = refused(bytes(changed))
            assert error["code"] == "tampered"
            assert name in error["detail"]


def test_of_a_later_release(archive: Path, refused: Callable[..., dict[str, str]]) -> None:
    def later(content: dict[str, Any]) -> None:
        content["migrations"] = sorted([*content["migrations"], ["catalog", "9999_future"]])
        content["release"] = key_of(".".join(each) for each in content["migrations"])
        content["product"] = "7.0.0"

    error = refused(with_manifest(archive.read_bytes(), later))
    assert error["code"] == "newer_release"
    assert "catalog.9999_future" in error["detail"]
    assert "7.0.0" in error["detail"]


def test_of_a_release_that_never_was(archive: Path, refused: Callable[..., dict[str, str]]) -> None:
    def without_a_first(content: dict[str, Any]) -> None:
        content["migrations"] = [
            each for each in content["migrations"] if each != ["branches", "0001_initial"]
        ]
        content["release"] = key_of(".".join(each) for each in content["migrations"])

    assert refused(with_manifest(archive.read_bytes(), without_a_first))["code"] == "inconsistent_release"
    other = with_manifest(archive.read_bytes(), lambda content: content.update(release="0" * 64))
    assert refused(other)["code"] == "tampered"


def test_names_that_cannot_be(refused: Callable[..., dict[str, str]]) -> None:
    assert refused(None, subdomain="west")["code"] == "subdomain_taken"
    names = ["admin", "select", "x" * 64, "ab", "a.b", "../../etc", "a'; DROP TABLE x", ""]
    names.append("eаstern")  # noqa: RUF001 - a Cyrillic letter among Latin ones is the point
    for name in names:
        error = refused(None, subdomain=name)
        assert error["code"] == "bad_subdomain"
        assert f'"{name}"' in error["detail"]


def test_a_name_that_a_renamed_library_still_has(
    archive: Path, library_command: Run, everything: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at first look, and also where it was given up between that look and the writing."""
    with in_public():
        west = Library.objects.get(subdomain="west")
        former = FormerSubdomain.objects.create(
            subdomain="longago", library=west, held_until=NOW.replace(year=2099)
        )
    before = everything()
    try:
        for code in (1, 3):
            answer = library_command("import", archive, "--subdomain", "longago", "--json")
            assert (answer.code, answer.json["error"]["code"]) == (code, "subdomain_taken")
            assert everything() == before
            monkeypatch.setattr(checks, "subdomain_state", lambda name: "free")
    finally:
        with in_public():
            former.delete()
    assert library_command("import", archive, "--subdomain", "longago").code == 0


def test_other_options_that_cannot_be(refused: Callable[..., dict[str, str]]) -> None:
    assert refused(None, "--plan", "imperial")["code"] == "unknown_plan"
    assert refused(None, "--host", "not a domain")["code"] == "bad_host"
    assert refused(None, "--host", "other.localhost")["code"] == "bad_host"
    assert refused(None, "--host", "127.0.0.1")["code"] == "bad_host"
    assert refused(None, "--seal", "0" * 64)["code"] == "other_seal"


def test_the_right_seal_is_taken(archive: Path, library_command: Run) -> None:
    seal = json.loads(contents_of(archive.read_bytes())["manifest.json"])["seal"]
    assert library_command("import", archive, "--subdomain", "eastern", "--seal", seal).code == 0


def test_a_library_that_would_be_erased_at_once(
    archive: Path, refused: Callable[..., dict[str, str]]
) -> None:
    def closed(content: dict[str, Any]) -> None:
        content["library"].update(status="closed", closed_at="2020-01-01T00:00:00+00:00")

    assert refused(with_manifest(archive.read_bytes(), closed))["code"] == "past_its_end"


def test_a_status_or_plan_that_there_is_not(archive: Path, refused: Callable[..., dict[str, str]]) -> None:
    data = archive.read_bytes()
    for changes in (
        {"status": "deleted"},
        {"status": "provisioning"},
        {"standing": "closed"},
        {"time_zone": "Mars/Base"},
    ):
        error = refused(with_manifest(data, lambda content, new=changes: content["library"].update(new)))
        assert error["code"] == "tampered"
    assert refused(with_manifest(data, lambda c: c["library"].update(plan="x")))["code"] == "unknown_plan"


def test_tables_columns_and_sequences_that_the_release_does_not_have(
    archive: Path, refused: Callable[..., dict[str, str]]
) -> None:
    data = archive.read_bytes()

    def column(content: dict[str, Any]) -> None:
        table = next(each for each in content["tables"] if each["name"] == "branches_branch")
        table["columns"][1] = "secret"

    def sequence(content: dict[str, Any]) -> None:
        content["sequences"][0]["name"] = "a_sequence"

    error = refused(with_manifest(data, column))
    assert error["code"] == "other_tables"
    assert "branches_branch.secret is unknown" in error["detail"]
    assert refused(with_manifest(data, sequence))["code"] == "other_tables"


def test_no_such_file_and_a_folder(
    tmp_path: Path, archive: Path, library_command: Run, everything: Look
) -> None:
    before = everything()
    for path in (tmp_path / "nothing", tmp_path):
        answer = library_command("import", path, "--subdomain", "eastern")
        assert (answer.code, "is not a file" in answer.err) == (1, True)
    assert everything() == before


def test_a_check_writes_nothing(archive: Path, library_command: Run, everything: Look) -> None:
    before = everything()
    answer = library_command("import", archive, "--subdomain", "eastern", "--check", "--json")
    assert (answer.code, answer.json["written"], answer.json["schema"]) == (0, False, None)
    assert "can be imported" in library_command("import", archive, "--subdomain", "eastern", "--check").out
    assert everything() == before


# -- what fails on the way ----------------------------------------------------------------------------------------------


@pytest.fixture
def failed(
    library_command: Run, everything: Look, archive: Path
) -> Iterator[Callable[[Path], dict[str, str]]]:
    """`failed(path)`: code and text of an import that breaks off; nothing is left by it, and the next one works."""
    before = everything()

    def try_it(path: Path) -> dict[str, str]:
        answer = library_command("import", path, "--subdomain", "eastern", "--json")
        assert answer.code == 3, answer
        assert everything() == before
        error: dict[str, str] = answer.json["error"]
        return error

    yield try_it
    assert library_command("import", archive, "--subdomain", "eastern").code == 0


def _with_rows(data: bytes, table: str, rows: Callable[[bytes], bytes]) -> bytes:
    """The archive with other rows in one table, sealed again."""
    contents = contents_of(data)
    changed = contents[f"tables/{table}.tsv"] = rows(contents[f"tables/{table}.tsv"])

    def entry(content: dict[str, Any]) -> None:
        row = next(each for each in content["tables"] if each["name"] == table)
        row.update(rows=changed.count(b"\n"), size=len(changed), sha256=hashlib.sha256(changed).hexdigest())

    return with_manifest(packed(contents.items()), entry)


def test_rows_that_the_database_refuses(
    archive: Path, tmp_path: Path, failed: Callable[[Path], dict[str, str]]
) -> None:
    changes: list[tuple[Callable[[bytes], bytes], str]] = [
        (lambda rows: rows.replace(b"Europe/Rome", b"\xff\xfe"), "branches_branch, line 1"),
        (lambda rows: rows + rows.splitlines(keepends=True)[0], "branches_branch"),
        (lambda rows: b"x" + rows, "branches_branch, line 1, column id"),
        (lambda rows: rows + b"1\n", "branches_branch"),
        (lambda rows: b"", "references"),
    ]
    path = tmp_path / "bad.tar"
    for change, named in changes:
        path.write_bytes(_with_rows(archive.read_bytes(), "branches_branch", change))
        error = failed(path)
        assert error["code"] == "bad_row"
        assert named in error["detail"]


def test_rows_that_end_before_their_end(
    archive: Path, tmp_path: Path, refused: Callable[..., dict[str, str]]
) -> None:
    """COPY stops at a line of its own that says so; the number of rows is announced, so it is seen."""
    bad = _with_rows(archive.read_bytes(), "branches_branch", lambda rows: b"\\.\n" + rows)
    assert refused(bad)["code"] == "tampered"


def test_rows_in_a_table_that_must_be_empty(archive: Path, refused: Callable[..., dict[str, str]]) -> None:
    bad = _with_rows(archive.read_bytes(), "django_session", lambda rows: b"k\td\t2099-01-01 00:00:00+00\n")
    error = refused(bad)
    assert error["code"] == "other_tables"
    assert "django_session" in error["detail"]


def test_a_server_whose_disk_is_full(
    archive: Path, failed: Callable[[Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server itself raises 53100; test_full_disk.py fills a real one."""
    loaded = tables.copy_in

    def full(cursor: Any, schema: str, table: str, *rest: Any) -> int:
        rows = loaded(cursor, schema, table, *rest)
        if table == "catalog_title":
            cursor.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"
            )
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(tables, "copy_in", full)
        error = failed(archive)
    assert error["code"] == "disk_full"
    assert "database server is full while loading the table catalog_title" in error["detail"]


def test_a_media_folder_that_is_full(
    archive: Path, failed: Callable[[Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device", "top")

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync_folders", full)
        assert failed(archive)["code"] == "disk_full"


def test_a_connection_that_is_cut(
    archive: Path, failed: Callable[[Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Terminated by an operator while the rows are loaded."""
    loaded = tables.copy_in

    def cut(cursor: Any, schema: str, table: str, *rest: Any) -> int:
        if table == "catalog_title":
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return loaded(cursor, schema, table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(tables, "copy_in", cut)
        assert failed(archive)["code"] in {"stopped", "connection_lost"}


def test_somebody_is_faster(
    archive: Path,
    failed: Callable[[Path], dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name was free when it was looked at: the unique index decides."""
    with monkeypatch.context() as patch:
        patch.setattr(checks, "subdomain_state", lambda name: "free")
        patch.setattr(checks.subdomains, "normalise", lambda name: "west")
        assert failed(archive)["code"] == "subdomain_taken"
