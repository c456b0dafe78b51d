"""The container: a tar file of which each byte is determined by its members' names and contents. Pure.

A member is a regular file with mode 0600, owner 0 and time 0, so that the same library gives the same bytes on every
machine, and a header that `tarfile` reads but we would not have written (link, device, long name, other owner) is
refused. It is not compressed: sizes cannot lie, and no version of a compressor changes the bytes.
"""

from __future__ import annotations

import tarfile

BLOCK = 512
# Two empty blocks, as POSIX asks for.
END = bytes(2 * BLOCK)
EMPTY = bytes(BLOCK)


class BadHeader(ValueError):
    """The block is not the header of a member that this module writes."""


def header(name: str, size: int) -> bytes:
    """The header of a member: 512 bytes. `name` is ASCII of at most 100 characters, `size` in bytes."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def parse_header(block: bytes) -> tuple[str, int]:
    """Name and size in bytes of the member that the block begins. Raises BadHeader."""
    try:
        member = tarfile.TarInfo.frombuf(block, "ascii", "strict")
        if member.size < 0 or header(member.name, member.size) != block:
            raise BadHeader
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise BadHeader from error
    return member.name, member.size


def padding(size: int) -> int:
    """How many zero bytes follow a content of `size` bytes."""
    return -size % BLOCK


def kind_of(start: bytes) -> str | None:
    """What a file is that is not a tar file but often taken for one, by its first bytes; None for others."""
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


_MAGIC = (
    (b"\x1f\x8b", "gzip-compressed"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ\x00", "xz-compressed"),
    (b"PGDMP", "a dump of pg_dump"),
)
