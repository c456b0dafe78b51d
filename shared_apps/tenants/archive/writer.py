"""Writing the container: each content streams through, and its header is filled in once its size is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared_apps.tenants.archive import tape
from shared_apps.tenants.archive.manifest import MAX_SIZE, NAME, Manifest

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Written:
    """Of one member: its size in bytes, the number of line ends in it, its SHA-256 in hex."""

    size: int
    lines: int
    sha256: str


class TooLarge(ValueError):
    """The library has more files or tables than an archive holds."""


class ArchiveWriter:
    """Writes members one after another to a file that can be positioned; `close` ends the archive."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def add(self, name: str, chunks: Iterable[bytes | memoryview]) -> Written:
        """Write one member of whatever size, in bounded memory."""
        start = self._target.tell()
        self._target.write(tape.EMPTY)
        digest, size, lines = hashlib.sha256(), 0, 0
        for chunk in gathered(chunks):
            digest.update(chunk)
            size += len(chunk)
            lines += chunk.count(b"\n")
            self._target.write(chunk)
        self._target.write(bytes(tape.padding(size)))
        end = self._target.tell()
        self._target.seek(start)
        self._target.write(tape.header(name, size))
        self._target.seek(end)
        return Written(size, lines, digest.hexdigest())

    def close(self, manifest: Manifest) -> None:
        """Write the manifest and the end. Raises TooLarge for a manifest that no reader would take."""
        text = manifest.dump()
        if len(text) > MAX_SIZE:
            raise TooLarge(f"the manifest would have {len(text)} bytes")
        self.add(NAME, [text])
        self._target.write(tape.END)


def gathered(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """The same bytes in pieces of at least CHUNK, but for the last: COPY gives one row at a time."""
    kept: list[bytes | memoryview] = []
    size = 0
    for chunk in chunks:
        kept.append(chunk)
        size += len(chunk)
        if size >= CHUNK:
            yield b"".join(kept)
            kept, size = [], 0
    if kept:
        yield b"".join(kept)
