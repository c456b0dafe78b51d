"""Where things lie: the data folder, its marker, and the folder of the sockets."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from saas.embedded.errors import EmbeddedError
from saas.embedded.urls import POSTGRES_PORT

MARKER = ".libraryhub-data"
# All that we make in a data folder, and all that a wipe deletes.
_OURS = re.compile(r"pg\d.*|redis|run|lock|log")
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"
# 107 bytes and a closing zero on Linux, 103 on macOS
_SOCKET_PATH_BYTES = 103
# Anything else would have to be quoted, differently, for Postgres, Redis, libpq, kombu and redis-py.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True)
class Layout:
    """Places inside (or, for `sockets` and `postgres_home`, chosen for) one data folder.

    All paths absolute.
    """

    data_dir: Path
    postgres_home: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        return self.data_dir / "log"

    @property
    def redis(self) -> Path:
        return self.data_dir / "redis"

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    def lock(self, name: str) -> Path:
        return self.data_dir / "lock" / f"{name}.lock"


def absolute(data_dir: Path) -> Path:
    """The one spelling of a data folder, so that two ways to write it share locks and servers."""
    return Path(os.path.realpath(data_dir))


def short_hash(data_dir: Path) -> str:
    """Twelve hex digits that name a data folder where its path is too long."""
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]


def claim(data_dir: Path) -> Path:
    """Make the data folder ours (mode 700, with a marker file) or recognise it; returns its absolute path.

    An existing folder may hold other things (uploads, say), but without the marker nothing under a name that
    we use. Its mode is never changed, nor that of its parents. Raises EmbeddedError for such a name, for a
    folder of another user's run, and for one that cannot be written.
    """
    folder = absolute(data_dir)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = folder / MARKER
        if not marker.exists():
            strangers = sorted(entry.name for entry in folder.iterdir() if _OURS.fullmatch(entry.name))
            if strangers:
                raise EmbeddedError(
                    f"The folder {folder} has something named {strangers[0]} that LibraryHub did not make;"
                    " choose another folder."
                )
            _mark(marker)
        if marker.stat().st_uid != os.geteuid():
            raise EmbeddedError(
                f"The data folder {folder} was made by another user (uid {marker.stat().st_uid});"
                " start as that user, or give another folder."
            )
        for name in ("lock", "log"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error
    return folder


def _mark(marker: Path) -> None:
    """Make the marker, whole, and never over the one that another first start has just made and filled."""
    draft = marker.with_name(f"{MARKER}.{os.getpid()}")
    draft.write_text(json.dumps({"made_by": "libraryhub"}))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(draft, marker)
    finally:
        draft.unlink()


def unusable(folder: Path, error: OSError) -> EmbeddedError:
    """The sentence for a folder that the system does not let us use."""
    return EmbeddedError(
        f"The data folder {folder} cannot be used: {(error.strerror or str(error)).lower()}"
        f" ({error.filename or folder}); choose a folder that you may write to."
    )


def is_ours(data_dir: Path) -> bool:
    """Does the folder carry our marker?"""
    return (absolute(data_dir) / MARKER).is_file()


def read_choices(folder: Path) -> dict[str, str]:
    """What earlier starts noted in the marker: `account`, `postgres_home`, `sockets`; at first nothing."""
    try:
        found = json.loads((folder / MARKER).read_text())
    except (OSError, ValueError) as error:
        raise EmbeddedError(
            f"The data folder {folder} is damaged ({MARKER} cannot be read: {error});"
            " start with --fresh to begin with empty records."
        ) from error
    return {str(key): str(value) for key, value in found.items()}


def note_choices(folder: Path, choices: dict[str, str]) -> None:
    """Write the choices into the marker, where later starts, and starts with another TMPDIR, find them."""
    write_atomically(folder / MARKER, json.dumps({"made_by": "libraryhub", **choices}))


def write_atomically(path: Path, text: str) -> None:
    """Replace a small file in one step, so that no reader and no crash sees half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def sockets_dir(folder: Path, noted: str | None) -> Path:
    """A private folder whose sockets have short and plain paths: in the data folder, else in the temp folder.

    `noted` is where an earlier start put it. Raises EmbeddedError if the temp folder's one is not ours.
    """
    inside = folder / "run"
    if _fits(inside):
        return private_dir(inside)
    name = f"libraryhub-{os.geteuid()}-{short_hash(folder)}"
    # /tmp for systems whose own temp folder has a long path (macOS); private_dir checks what lies there
    shared = (Path(tempfile.gettempdir()), Path("/tmp"))  # noqa: S108
    for candidate in (noted, *(place / name for place in shared)):
        if candidate is not None and _fits(Path(candidate)) and Path(candidate).parent.is_dir():
            return private_dir(Path(candidate))
    raise EmbeddedError(
        f"No folder with a path short enough for a unix socket was found for {folder}; set TMPDIR."
    )


def _fits(sockets: Path) -> bool:
    longest = os.fsencode(sockets / POSTGRES_SOCKET)
    return len(longest) <= _SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(str(sockets)) is not None


def private_dir(path: Path, mode: int = 0o700) -> Path:
    """Make a folder that only we may enter, or check that an existing one is such.

    In a shared temp folder somebody else may have made that name first, to listen to us.
    """
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        status = path.lstat()
        loose = stat.S_IMODE(status.st_mode) & ~mode
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or loose:
            raise EmbeddedError(
                f"The folder {path} exists, but is not a private folder of this user;"
                " remove it, or set TMPDIR to another folder."
            ) from None
    return path
