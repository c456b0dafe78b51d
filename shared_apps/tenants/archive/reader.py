"""Reading the container: all of it is checked before anything of it is believed.

The index is made by jumping from header to header, so a size beyond the end of the file is seen without reading
anything; then each byte is read once and compared with the manifest. Loading reads through `blocks` again, which
compares again: a file that changes in between is refused as well.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared_apps.tenants.archive import manifest as manifests
from shared_apps.tenants.archive import shapes, tape
from shared_apps.tenants.archive.errors import ArchiveRefused
from shared_apps.tenants.archive.manifest import Manifest, StoredFile, Table

CHUNK = 1024 * 1024
MAX_MEMBERS = manifests.MAX_FILES + manifests.MAX_TABLES + 1
# Called with the number of bytes that have been read since the last call.
Read = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    size: int


class Archive:
    """A checked archive: its manifest, and the contents of its members."""

    def __init__(self, source: BinaryIO, manifest: Manifest, places: dict[str, _Place]) -> None:
        self.manifest = manifest
        self._source, self._places, self._entries = source, places, manifest.members()

    @property
    def size(self) -> int:
        """Bytes in all members together."""
        return sum(place.size for place in self._places.values())

    def blocks(self, member: str) -> Iterator[bytes]:
        """The content in pieces of a megabyte. Raises ArchiveRefused at its end where it is not what it should be."""
        return _verified(self._source, member, self._places[member], self._entries[member])


def _verified(source: BinaryIO, member: str, place: _Place, entry: Table | StoredFile) -> Iterator[bytes]:
    digest, lines = hashlib.sha256(), 0
    for block in _blocks(source, member, place):
        digest.update(block)
        lines += block.count(b"\n")
        yield block
    if digest.hexdigest() != entry.sha256:
        raise ArchiveRefused("tampered", f"{member} was changed: it does not fit its SHA-256.")
    if isinstance(entry, Table) and lines != entry.rows:
        raise ArchiveRefused("tampered", f"{member} has {lines} rows where {entry.rows} are announced.")


def open_archive(source: BinaryIO, read: Read = lambda size: None) -> Archive:
    """Check all of an archive, a regular file opened for reading. Raises ArchiveRefused, and nothing else, for others.

    It may be read while the result is in use.
    """
    places = _index(source)
    place = places.pop(manifests.NAME, None)
    if place is None:
        raise _truncated("it has no manifest")
    if place.size > manifests.MAX_SIZE:
        raise ArchiveRefused("too_large", f"{manifests.NAME} has {place.size} bytes, more than is read.")
    manifest = manifests.load(b"".join(_blocks(source, manifests.NAME, place)))
    _check_members(manifest, places)
    _check_names(manifest)
    for (member, entry), place in zip(manifest.members().items(), places.values(), strict=True):
        for block in _verified(source, member, place, entry):
            read(len(block))
    return Archive(source, manifest, places)


def _index(source: BinaryIO) -> dict[str, _Place]:
    """Where each member lies. The manifest is the last one, and nothing follows the end."""
    end = os.fstat(source.fileno()).st_size
    _check_kind(source, end)
    places: dict[str, _Place] = {}
    offset = 0
    while (block := _exactly(source, offset, tape.BLOCK, end)) != tape.EMPTY:
        if manifests.NAME in places:
            raise ArchiveRefused("unknown_member", f"Something follows {manifests.NAME}, the last member.")
        name, size = _member(block, offset)
        if name in places:
            raise ArchiveRefused("unknown_member", f"{name} is there twice.")
        if len(places) > MAX_MEMBERS:
            raise ArchiveRefused("too_large", f"There are more than {MAX_MEMBERS} members.")
        offset += tape.BLOCK
        if size > end - offset:
            raise _truncated(f"{name} has {size} bytes by its header, and {end - offset} are left")
        places[name] = _Place(offset, size)
        padding = tape.padding(size)
        if _exactly(source, offset + size, padding, end) != bytes(padding):
            raise ArchiveRefused("tampered", f"What follows the content of {name} was changed.")
        offset += size + padding
    if _exactly(source, offset, len(tape.END), end) != tape.END:
        raise ArchiveRefused("tampered", "The end of the archive was changed.")
    if offset + len(tape.END) != end:
        raise ArchiveRefused("unknown_member", "Something follows the end of the archive.")
    return places


def _check_kind(source: BinaryIO, end: int) -> None:
    if not end:
        raise ArchiveRefused("empty", "The file is empty.")
    source.seek(0)
    start = source.read(tape.BLOCK)
    if kind := tape.kind_of(start):
        raise ArchiveRefused(
            "not_an_archive", f"The file is {kind}: an archive of a library is a plain tar file."
        )
    if start[257:262] != b"ustar":
        raise ArchiveRefused("not_an_archive", "The file is not an archive of a library.")


def _member(block: bytes, offset: int) -> tuple[str, int]:
    try:
        return tape.parse_header(block)
    except tape.BadHeader as error:
        message = f"At byte {offset} there is no header of a plain file as this program writes it."
        raise ArchiveRefused("tampered", message) from error


def _exactly(source: BinaryIO, offset: int, size: int, end: int) -> bytes:
    if offset + size > end:
        raise _truncated(f"it ends at byte {end}, in the middle")
    source.seek(offset)
    return source.read(size)


def _blocks(source: BinaryIO, member: str, place: _Place) -> Iterator[bytes]:
    left, offset = place.size, place.offset
    while left:
        source.seek(offset)
        block = source.read(min(CHUNK, left))
        if not block:
            raise _truncated(f"it became shorter while {member} was read")
        left, offset = left - len(block), offset + len(block)
        yield block


def _check_members(manifest: Manifest, places: dict[str, _Place]) -> None:
    """Exactly the members that the manifest names, in its order and with its sizes."""
    expected = manifest.members()
    if unknown := [name for name in places if name not in expected]:
        raise ArchiveRefused("unknown_member", f"The manifest does not name {_some(unknown)}.")
    if missing := [name for name in expected if name not in places]:
        raise ArchiveRefused("member_missing", f"These members are missing: {_some(missing)}.")
    if list(expected) != list(places):
        raise ArchiveRefused("tampered", "The members are not in their order.")
    for name, entry in expected.items():
        if entry.size != places[name].size:
            message = f"{name} has {places[name].size} bytes where {entry.size} are announced."
            raise ArchiveRefused("tampered", message)


def _check_names(manifest: Manifest) -> None:
    """No file lies where another one needs a folder."""
    names = {entry.name for entry in manifest.files}
    for name in names:
        parts = name.split("/")
        if any("/".join(parts[:depth]) in names for depth in range(1, len(parts))):
            raise ArchiveRefused(
                "tampered", f"The file {name[: shapes.MAX_FILE_PART]} lies inside of another file."
            )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _truncated(detail: str) -> ArchiveRefused:
    return ArchiveRefused("truncated", f"The archive is not complete: {detail}.")
