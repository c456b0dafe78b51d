"""What an archive says of itself: the file `manifest.json`, its last member.

It is canonical JSON (sorted keys, no spaces), so that reading and writing it again gives the same bytes. `seal` is the
SHA-256 of everything in it but the time, and everything else in the archive hangs on it by size and SHA-256: two
archives of the same library in the same state have the same seal. The time stands apart, with a check of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared_apps.tenants.archive import shapes
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.shapes import WrongShape

FORMAT = 1
NAME = "manifest.json"
MAX_SIZE = 64 * 1024 * 1024
MAX_FILES = 200_000
MAX_TABLES = 1_000


@dataclass(frozen=True, slots=True)
class LibraryRow:
    """The library's row in the public schema, as far as it goes along; moments are aware."""

    id: UUID
    subdomain: str
    name: str
    status: str
    standing: str
    plan: str
    country: str
    language: str
    time_zone: str
    created_at: datetime
    restricted_at: datetime | None
    suspended_at: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its member: rows in PostgreSQL's COPY text form, in the order of the primary key."""

    name: str
    columns: tuple[str, ...]
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SequenceState:
    """The state of a sequence: PostgreSQL's `last_value` and `is_called`."""

    name: str
    last_value: int
    is_called: bool


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the library; `name` is its path in the library's storage. Its member is named by its number alone."""

    name: str
    size: int
    sha256: str


def table_member(name: str) -> str:
    """Name of the member with the rows of a table."""
    return f"tables/{name}.tsv"


def file_member(number: int) -> str:
    """Name of the member of the file at this place of the list, from 0: never a name that somebody has chosen."""
    return f"files/{number + 1:06d}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that `manifest.json` holds but the seal.

    `product` is the version of LibraryHub, `release` the key of its library migrations (fleet), `migrations` (app,
    name) of those that the library has. The rows of the tables in `left_out` stay where they are.
    """

    product: str
    release: str
    migrations: tuple[tuple[str, str], ...]
    library: LibraryRow
    domains: tuple[str, ...]
    left_out: tuple[str, ...]
    tables: tuple[Table, ...]
    sequences: tuple[SequenceState, ...]
    files: tuple[StoredFile, ...]
    made_at: datetime

    def members(self) -> dict[str, Table | StoredFile]:
        """Member name to entry, in the order of the archive."""
        files = {file_member(number): entry for number, entry in enumerate(self.files)}
        return {**{table_member(entry.name): entry for entry in self.tables}, **files}

    @property
    def seal(self) -> str:
        """SHA-256 (hex) of the content without the time."""
        return _digest(self._content())

    def dump(self) -> bytes:
        """The bytes of `manifest.json`."""
        at, seal = _moment(self.made_at), self.seal
        made = {"at": at, "check": _digest([seal, at])}
        return _canonical({**self._content(), "seal": seal, "made": made}) + b"\n"

    def _content(self) -> dict[str, Any]:
        content = asdict(self)
        del content["made_at"]
        return {"format": FORMAT, **_plain(content)}


def load(text: bytes) -> Manifest:
    """Read `manifest.json`. Raises ArchiveRefused for what `dump` would not have written, or a later format."""
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or _canonical(content) + b"\n" != text:
            raise WrongShape("not in the form in which it was written")
    except (ValueError, RecursionError) as error:
        raise ArchiveRefused("tampered", f"{NAME} cannot be read: {_short(error)}.") from error
    version = content.pop("format", None)
    if type(version) is int and version > FORMAT:
        message = f"The archive has format {version}; this release of LibraryHub reads up to {FORMAT}. Update first."
        raise ArchiveRefused("newer_format", message)
    if type(version) is not int or version != FORMAT:
        raise ArchiveRefused("tampered", f"{NAME} names no format that we know.")
    seal, made = content.pop("seal", None), content.pop("made", None)
    if seal != _digest({"format": FORMAT, **content}):
        raise ArchiveRefused("tampered", f"{NAME} was changed: it does not fit its seal.")
    at = made.get("at") if isinstance(made, dict) else None
    if made != {"at": at, "check": _digest([seal, at])}:
        raise ArchiveRefused("tampered", f"{NAME} was changed: its time does not fit its check.")
    try:
        return _MANIFEST({**content, "made_at": at}, "manifest")
    except WrongShape as error:
        raise ArchiveRefused("tampered", f"{NAME} is not acceptable: {error}.") from error


def _short(error: BaseException) -> str:
    return str(error)[:200] or type(error).__name__


def _canonical(value: Any) -> bytes:
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return _moment(value)
    return str(value) if isinstance(value, UUID) else value


# -- reading: each part with exactly the members and types that it has ----------------------------------------

_WORD = shapes.text(re.compile(r"[a-z][a-z0-9_]{0,62}"))
_CHOICE = shapes.text(re.compile(r"[a-z_]{1,40}"))
_SHA256 = shapes.text(re.compile(r"[0-9a-f]{64}"))
_LIBRARY = shapes.record(
    LibraryRow,
    id=shapes.identifier,
    subdomain=shapes.text(re.compile(r"[a-z0-9-]{1,63}")),
    name=shapes.text(re.compile(r"[^\x00-\x1f\x7f]{1,200}")),
    status=_CHOICE,
    standing=_CHOICE,
    plan=shapes.text(re.compile(r"[a-z0-9_-]{1,40}")),
    country=shapes.text(re.compile(r"[A-Z]{0,2}")),
    language=shapes.text(re.compile(r"[A-Za-z-]{2,10}")),
    time_zone=shapes.text(re.compile(r"[A-Za-z0-9_+/-]{1,64}")),
    created_at=shapes.moment,
    restricted_at=shapes.optional(shapes.moment),
    suspended_at=shapes.optional(shapes.moment),
    closed_at=shapes.optional(shapes.moment),
)
_TABLE = shapes.record(
    Table,
    name=_WORD,
    columns=shapes.sequence(_WORD, most=1_600),
    rows=shapes.count,
    size=shapes.count,
    sha256=_SHA256,
)
_SEQUENCE = shapes.record(SequenceState, name=_WORD, last_value=shapes.number, is_called=shapes.flag)
_FILE = shapes.record(StoredFile, name=shapes.file_name, size=shapes.count, sha256=_SHA256)
_MANIFEST = shapes.record(
    Manifest,
    product=shapes.text(re.compile(r"[0-9A-Za-z.+-]{1,40}")),
    release=_SHA256,
    migrations=shapes.ascending(
        shapes.pair(_WORD, shapes.text(re.compile(r"[A-Za-z0-9_]{1,255}"))), most=100_000
    ),
    library=_LIBRARY,
    domains=shapes.ascending(shapes.text(re.compile(r"[a-z0-9.-]{1,253}")), most=1_000),
    left_out=shapes.ascending(_WORD, most=MAX_TABLES),
    tables=shapes.ascending(_TABLE, most=MAX_TABLES, by=lambda entry: entry.name),
    sequences=shapes.ascending(_SEQUENCE, most=10 * MAX_TABLES, by=lambda entry: entry.name),
    files=shapes.ascending(_FILE, most=MAX_FILES, by=lambda entry: entry.name),
    made_at=shapes.moment,
)
