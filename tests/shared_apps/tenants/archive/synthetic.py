"""An archive without a database: a few rows and files, and whatever a test wants to be wrong with them."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from shared_apps.tenants.archive import manifest as manifests
from shared_apps.tenants.archive import tape
from shared_apps.tenants.archive.manifest import (
    LibraryRow,
    Manifest,
    SequenceState,
    StoredFile,
    Table,
    file_member,
    table_member,
)
from shared_apps.tenants.archive.writer import ArchiveWriter

NOW = dt.datetime(2026, 3, 1, 10, 0, tzinfo=dt.UTC)
ROW = LibraryRow(
    id=uuid.UUID("7b0c3d1e-0000-4000-8000-000000000001"),
    subdomain="riverside",
    name="Riverside «Library» of Münster",
    status="active",
    standing="active",
    plan="free",
    country="IT",
    language="it",
    time_zone="Europe/Rome",
    created_at=NOW,
    restricted_at=None,
    suspended_at=None,
    closed_at=None,
)
ROWS = {"branches_branch": b"1\tMain\n2\tBy the river\n", "catalog_title": b"", "notes": b"1\ttab \\t here\n"}
FILES = {"covers/1.png": bytes(range(256)) * 7, "imports/a.mrc": b"", "z": b"x" * 513}


def write(
    path: Path, *, rows: dict[str, bytes] = ROWS, files: dict[str, bytes] = FILES, **changes: Any
) -> Manifest:
    """An archive at `path`; `changes` are members of the manifest that are to be otherwise."""
    with path.open("w+b") as target:
        writer = ArchiveWriter(target)
        tables = []
        for name in sorted(rows):
            written = writer.add(table_member(name), [rows[name]])
            tables.append(Table(name, ("id", "name"), written.lines, written.size, written.sha256))
        stored = []
        for number, name in enumerate(sorted(files)):
            written = writer.add(file_member(number), [files[name]])
            stored.append(StoredFile(name, written.size, written.sha256))
        content = {
            "product": "0.1.0",
            "release": "0" * 64,
            "migrations": (("branches", "0001_initial"), ("catalog", "0001_initial")),
            "library": ROW,
            "domains": ("books.example.org",),
            "left_out": ("django_session",),
            "tables": tuple(tables),
            "sequences": (SequenceState("branches_branch_id_seq", 2, True),),
            "files": tuple(stored),
            "made_at": NOW,
        }
        manifest = Manifest(**{**content, **changes})
        writer.close(manifest)
    return manifest


def members_of(data: bytes) -> dict[str, tuple[int, int]]:
    """Offset and size of each member's content."""
    found, offset = {}, 0
    while (block := data[offset : offset + tape.BLOCK]) != tape.EMPTY:
        name, size = tape.parse_header(block)
        found[name] = (offset + tape.BLOCK, size)
        offset += tape.BLOCK + size + tape.padding(size)
    return found


def contents_of(data: bytes) -> dict[str, bytes]:
    """Content of each member, in order."""
    return {name: data[offset : offset + size] for name, (offset, size) in members_of(data).items()}


def packed(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """A container with these members, whatever they are."""
    parts = []
    for name, content in contents:
        parts += [tape.header(name, len(content)), content, bytes(tape.padding(len(content)))]
    return b"".join([*parts, tape.END])


def with_manifest(data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The archive of somebody who changes the manifest and knows how to seal it again."""
    contents = contents_of(data)
    content = json.loads(contents[manifests.NAME])
    made_at = content.pop("made")["at"]
    del content["seal"]
    change(content)
    seal = manifests._digest(content)
    made = {"at": made_at, "check": manifests._digest([seal, made_at])}
    text = manifests._canonical({**content, "seal": seal, "made": made}) + b"\n"
    return packed({**contents, manifests.NAME: text}.items())
