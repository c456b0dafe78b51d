"""Keeping an uploaded file: on disk and synchronised before anybody is told that it was accepted."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.errors import BodyTooLarge
from tenant_apps.catalog.errors import EmptyFile
from tenant_apps.catalog.marc import clean_text

FOLDER = "imports"
MAX_FILE_NAME = 255
_FOLDERS = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the library's storage: its name there, its size in bytes, its SHA-256 in hex."""

    name: str
    size: int
    sha256: str


def store_upload(chunks: Iterable[bytes], *, limit: int) -> StoredFile:
    """Write the chunks to a new file of the current library and return once the disk has it.

    The name is ours, never the client's (ASVS 5.3.2). Raises EmptyFile, and BodyTooLarge beyond `limit`
    bytes; nothing is left behind then.
    """
    name = f"{FOLDER}/{uuid.uuid4().hex}.mrc"
    path = Path(default_storage.path(name))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with open(path, "xb", opener=_private) as target:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(
                        _("The file is larger than %(limit)d MB.") % {"limit": limit // (1024 * 1024)}
                    )
                digest.update(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if not size:
            raise EmptyFile
        _sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return StoredFile(name, size, digest.hexdigest())


def delete_upload(name: str) -> None:
    """Remove a stored file that no job refers to."""
    default_storage.delete(name)


def delete_upload_after_commit(name: str) -> None:
    """Remove the file of an import that has ended: nothing reads it any more. One that cannot be removed stays."""
    transaction.on_commit(partial(delete_upload, name), robust=True)


def clean_file_name(name: str) -> str:
    """The client's file name to show in lists: no folders, no control or direction characters, 255
    characters.
    """
    return clean_text(_FOLDERS.split(name)[-1], MAX_FILE_NAME) or "file"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """A new name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
