"""A library's files on disk: listed for an archive, written for an import."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from shared_apps.tenants.archive import shapes
from shared_apps.tenants.archive.errors import ArchiveRefused

CHUNK = 1024 * 1024


def folder_of(schema: str) -> Path:
    """Where the storage of a library keeps its files (saas.core.tenancy.storage)."""
    return Path(settings.MEDIA_ROOT) / schema


def list_files(schema: str) -> list[str]:
    """Names of all files of a library, in byte order. Raises ArchiveRefused for one that no archive can hold."""
    root = folder_of(schema)
    names = sorted(_walk(root, ""))
    for name in names:
        try:
            shapes.file_name(name, "file")
        except shapes.WrongShape as error:
            raise ArchiveRefused(
                "bad_file", f"The file {name!r} below {root} cannot be archived: {error}."
            ) from error
    return names


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return  # a library without files, or a folder that has just been emptied
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield f"{prefix}{entry.name}"
        else:
            message = f"{entry.path} is neither a file nor a folder: links and devices are not archived."
            raise ArchiveRefused("bad_file", message)


def open_file(schema: str, name: str) -> BinaryIO | None:
    """A file of the library for reading, None where it has gone since it was listed. Follows no link."""
    try:
        descriptor = os.open(folder_of(schema) / name, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArchiveRefused("bad_file", f"{name} is not a file any more.")
    return os.fdopen(descriptor, "rb")


def chunks(source: BinaryIO) -> Iterator[bytes]:
    """What is left of a file, a megabyte at a time."""
    return iter(lambda: source.read(CHUNK), b"")


def write_file(root: Path, name: str, blocks: Iterable[bytes]) -> None:
    """Write a new file below `root` and return once the disk has it. Raises OSError, also where it exists already."""
    path = root / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        for block in blocks:
            target.write(block)
        target.flush()
        os.fsync(descriptor)


def sync_folders(root: Path) -> None:
    """A new name is on the disk only when its folder is."""
    for folder in [root.parent, root, *(path for path in root.rglob("*") if path.is_dir())]:
        with suppress(FileNotFoundError):
            sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Have the disk keep the names in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
