"""The archive as a file: the same content is the same bytes, and whatever is not as it was written is refused."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared_apps.tenants.archive import manifest as manifests
from shared_apps.tenants.archive import reader, shapes, tape
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.manifest import file_member, load
from shared_apps.tenants.archive.reader import open_archive
from shared_apps.tenants.archive.writer import CHUNK, gathered
from tests.shared_apps.tenants.archive.synthetic import (
    FILES,
    NOW,
    ROW,
    ROWS,
    contents_of,
    members_of,
    packed,
    with_manifest,
    write,
)

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    write(tmp_path / "whole.tar")
    return (tmp_path / "whole.tar").read_bytes()


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[bytes], str]:
    """The code with which an archive with these bytes is refused; "" for one that is not."""

    def try_it(content: bytes) -> str:
        path = tmp_path / "tried.tar"
        path.write_bytes(content)
        with path.open("rb") as source:
            try:
                open_archive(source)
            except ArchiveRefused as refused:
                return refused.code if str(refused).endswith(".") else "not a sentence"
        return ""

    return try_it


# -- what is written ------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(tmp_path: Path) -> None:
    manifest = write(tmp_path / "a.tar")
    with (tmp_path / "a.tar").open("rb") as source:
        archive = open_archive(source)
        assert archive.manifest == manifest
        assert archive.manifest.library == ROW
        for name, rows in ROWS.items():
            assert b"".join(archive.blocks(f"tables/{name}.tsv")) == rows
        for number, name in enumerate(sorted(FILES)):
            assert b"".join(archive.blocks(file_member(number))) == FILES[name]


def test_any_tar_program_can_look_into_it(tmp_path: Path) -> None:
    write(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        infos = tar.getmembers()
        assert [info.name for info in infos][-1] == "manifest.json"
        assert {(info.mtime, info.uid, info.gid, info.uname, info.mode, info.type) for info in infos} == {
            (0, 0, 0, "", 0o600, tarfile.REGTYPE)
        }
        member = tar.extractfile("files/000001")
        assert member is not None
        assert member.read() == FILES["covers/1.png"]


def test_the_same_library_gives_the_same_bytes_but_for_the_time(tmp_path: Path) -> None:
    first = write(tmp_path / "1.tar")
    second = write(tmp_path / "2.tar", made_at=NOW.replace(year=2031))
    one, two = (contents_of((tmp_path / name).read_bytes()) for name in ("1.tar", "2.tar"))
    texts = [json.loads(each.pop("manifest.json")) for each in (one, two)]
    assert one == two
    assert [text.pop("made")["at"] for text in texts] == [
        "2026-03-01T10:00:00+00:00",
        "2031-03-01T10:00:00+00:00",
    ]
    assert texts[0] == texts[1]
    assert first.seal == second.seal


def test_rows_are_gathered_into_large_pieces() -> None:
    pieces = list(gathered(b"x" * 100 for _ in range(10_000)))
    assert b"".join(pieces) == b"x" * 1_000_000
    assert all(len(piece) >= CHUNK for piece in pieces[:-1])
    assert list(gathered([])) == []


def test_sizes_beyond_eight_gigabytes_fit_a_header() -> None:
    block = tape.header("files/000001", 50 * 2**30)
    assert tape.parse_header(block) == ("files/000001", 50 * 2**30)


# -- what is refused ------------------------------------------------------------------------------------------------


def test_the_untouched_archive_is_taken(data: bytes, refusal: Callable[[bytes], str]) -> None:
    assert refusal(data) == ""


def test_every_truncation_is_refused(data: bytes, refusal: Callable[[bytes], str]) -> None:
    lengths = {*range(1, 600, 37), *range(600, len(data), 211), *range(len(data) - 1_100, len(data), 13)}
    codes = {refusal(data[:length]) for length in sorted(lengths)}
    assert codes <= {"truncated", "not_an_archive"}
    assert refusal(data[: len(data) // 2]) == "truncated"
    assert refusal(data[:-1]) == "truncated"


def test_every_flipped_byte_is_refused(data: bytes, refusal: Callable[[bytes], str]) -> None:
    """Each 97th byte of the file, and of each member's content three more: headers, padding and end are among them."""
    places = {*range(0, len(data), 97)}
    dice = random.Random(7)  # noqa: S311
    for offset, size in members_of(data).values():
        places |= {offset + dice.randrange(size) for _ in range(3) if size}
    for place in sorted(places):
        changed = bytearray(data)
        changed[place] ^= 1 << dice.randrange(8)
        assert refusal(bytes(changed)) in {"tampered", "truncated", "unknown_member", "not_an_archive"}, place


def test_the_time_of_the_manifest_is_checked_too(data: bytes, refusal: Callable[[bytes], str]) -> None:
    changed = data.replace(b'"at":"2026-03-01T10:00:00', b'"at":"2026-03-01T10:00:01')
    assert changed != data
    assert refusal(changed) == "tampered"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\0" * 4096, "not_an_archive"),
        (b"just text", "not_an_archive"),
        (b"%PDF-1.7" + b"\0" * 4096, "not_an_archive"),
        (gzip.compress(b"x" * 4096, mtime=0), "not_an_archive"),
        (b"\x28\xb5\x2f\xfd" + b"\0" * 4096, "not_an_archive"),
    ],
)
def test_other_files_are_no_archives(content: bytes, code: str, refusal: Callable[[bytes], str]) -> None:
    assert refusal(content) == code


def test_a_zip_file_is_named(tmp_path: Path, refusal: Callable[[bytes], str]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bomb:
        bomb.writestr("manifest.json", "{}")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    with (tmp_path / "a.zip").open("rb") as source, pytest.raises(ArchiveRefused, match="ZIP"):
        open_archive(source)


def test_members_that_are_missing_twice_there_or_not_named(
    data: bytes, refusal: Callable[[bytes], str]
) -> None:
    contents = contents_of(data)
    whole = list(contents.items())
    assert refusal(packed(whole)) == ""
    for name in contents:
        rest = [(each, content) for each, content in whole if each != name]
        expected = "truncated" if name == "manifest.json" else "member_missing"
        assert refusal(packed(rest)) == expected, name
    assert refusal(packed([whole[0], *whole])) == "unknown_member"
    assert refusal(packed([("tables/extra.tsv", b"1\n"), *whole])) == "unknown_member"
    assert refusal(packed([*whole, ("files/000009", b"late")])) == "unknown_member"
    assert refusal(packed([whole[1], whole[0], *whole[2:]])) == "tampered"
    assert refusal(data + b"\0") == "unknown_member"


def _foreign(data: bytes, **attributes: Any) -> bytes:
    """The archive with a first member that another program wrote."""
    buffer = io.BytesIO()
    info = tarfile.TarInfo(attributes.pop("name", "tables/a.tsv"))
    for name, value in attributes.items():
        setattr(info, name, value)
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()[: tape.BLOCK + info.size + tape.padding(info.size)] + data


@pytest.mark.parametrize(
    "attributes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "manifest.json"},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.GNUTYPE_SPARSE},
        {"mode": 0o4755},
        {"uid": 1000, "mode": 0o600},
        {"mtime": 1, "mode": 0o600},
        {"uname": "root", "mode": 0o600},
    ],
)
def test_links_devices_and_foreign_headers(
    data: bytes, refusal: Callable[[bytes], str], attributes: dict[str, Any]
) -> None:
    assert refusal(_foreign(data, **attributes)) == "tampered"


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/passwd", "tables/../../x"])
def test_members_with_names_that_lead_elsewhere(
    data: bytes, refusal: Callable[[bytes], str], name: str
) -> None:
    assert refusal(packed([(name, b"x"), *contents_of(data).items()])) == "unknown_member"


@pytest.mark.parametrize("size", [2**33, 2**40, 2**62])
def test_sizes_that_the_file_does_not_have_are_seen_without_reading(
    data: bytes, refusal: Callable[[bytes], str], size: int
) -> None:
    assert refusal(tape.header("tables/a.tsv", size) + data[tape.BLOCK :]) == "truncated"


def test_a_negative_size(data: bytes, refusal: Callable[[bytes], str]) -> None:
    info = tarfile.TarInfo("tables/a.tsv")
    info.size, info.mode = -512, 0o600
    assert refusal(info.tobuf(tarfile.GNU_FORMAT) + data[tape.BLOCK :]) == "tampered"


def test_too_many_members(
    data: bytes, refusal: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_MEMBERS", 3)
    assert refusal(data) == "too_large"


def test_a_manifest_that_is_too_large(
    data: bytes, refusal: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "MAX_SIZE", 100)
    assert refusal(data) == "too_large"


def test_a_file_that_changes_after_it_was_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    write(path)
    with path.open("rb") as source:
        archive = open_archive(source)
        changed = path.read_bytes().replace(b"By the river", b"By the mouth")
        path.write_bytes(changed)
        with pytest.raises(ArchiveRefused, match=r"branches_branch\.tsv was changed"):
            list(archive.blocks("tables/branches_branch.tsv"))
        path.write_bytes(changed[:100])
        with pytest.raises(ArchiveRefused, match="shorter"):
            list(archive.blocks("files/000003"))


# -- the manifest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"not JSON",
        b"\xff\xfe",
        b'{"format":1}\n',
        b'{"format":1,"format":1}\n',
        b'{"format":NaN}\n',
        b'{"format":true}\n',
        b'{"a":"\\ud800","format":1}\n',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b'{"format":' + b"9" * 10_000 + b"}\n",
    ],
)
def test_what_is_no_manifest(text: bytes) -> None:
    with pytest.raises(ArchiveRefused) as refused:
        load(text)
    assert refused.value.code in {"tampered", "newer_format"}


def test_a_later_format_says_so(data: bytes, refusal: Callable[[bytes], str]) -> None:
    assert refusal(with_manifest(data, lambda content: content.update(format=2))) == "newer_format"
    assert refusal(with_manifest(data, lambda content: content.update(format=1))) == ""


def _library(**changes: Any) -> Change:
    return lambda content: content["library"].update(changes)


def _first(part: str, **changes: Any) -> Change:
    return lambda content: content[part][0].update(changes)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(extra=1),
        lambda content: content.pop("sequences"),
        lambda content: content.update(tables=None),
        lambda content: content.update(release="x"),
        lambda content: content["migrations"].reverse(),
        lambda content: content.update(migrations=[["branches"]]),
        lambda content: content.update(domains=["b.example", "b.example"]),
        _library(id="1"),
        _library(name="x\n"),
        _library(name=""),
        _library(subdomain="../x"),
        _library(created_at="yesterday"),
        _library(created_at="2026-03-01T10:00:00"),
        _library(plan=None),
        _library(extra=1),
        _first("tables", name="a; DROP TABLE x"),
        _first("tables", columns=["id", 'x" FROM y --']),
        _first("tables", rows=-1),
        _first("tables", rows=1.0),
        _first("tables", rows=True),
        _first("tables", size=2**64),
        _first("sequences", is_called=1),
        _first("sequences", last_value="1"),
        _first("files", name="../../../etc/passwd"),
        _first("files", name="/etc/passwd"),
        _first("files", name="a/../../b"),
        _first("files", name="a//b"),
        _first("files", name="./a"),
        _first("files", name="a\\b"),
        _first("files", name="a\u0000b"),
        _first("files", name="a\n"),
        _first("files", name=""),
        _first("files", name="a" * 256),
        _first("files", name="a/" * 600 + "a"),
        _first("files", name="imports"),
    ],
)
def test_a_manifest_that_somebody_made_and_sealed(
    data: bytes, refusal: Callable[[bytes], str], change: Change
) -> None:
    assert refusal(with_manifest(data, lambda content: None)) == ""
    assert refusal(with_manifest(data, change)) in {"tampered", "member_missing"}


def test_numbers_that_contradict_the_contents(data: bytes, refusal: Callable[[bytes], str]) -> None:
    assert refusal(with_manifest(data, _first("tables", rows=3))) == "tampered"
    assert refusal(with_manifest(data, _first("tables", size=3))) == "tampered"
    assert refusal(with_manifest(data, _first("tables", sha256="0" * 64))) == "tampered"
    assert refusal(with_manifest(data, lambda content: content["files"].pop())) == "unknown_member"


@pytest.mark.parametrize("name", ["a", "covers/1.png", "ä/ö.png", "a b", "...", "a.b/..c", "x" * 255])
def test_names_that_files_may_have(name: str) -> None:
    assert shapes.file_name(name, "name") == name
