"""Faults of the database and of the disk, named for the operator."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import DatabaseError, InterfaceError

from shared_apps.tenants.archive.errors import ArchiveFailed

DISK_FULL = "53100"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# By SQLSTATE or its class (its first two characters): code, and what happened.
_KINDS = {
    DISK_FULL: ("disk_full", "The disk of the database server is full"),
    "53": ("server_exhausted", "The database server has run out of something"),
    "55P03": ("busy", "Something that is needed is locked by somebody else"),
    "57": ("stopped", "The database server stopped the work"),
    "08": ("connection_lost", "The connection to the database was lost"),
    "22": ("bad_row", "A value was refused by the database"),
    "23": ("bad_row", "A row was refused by the database"),
    "42": ("database_refused", "The database refused a statement"),
}


@contextmanager
def named(doing: str) -> Iterator[None]:
    """Raise ArchiveFailed, with what happened and where, for faults of the database and of the disk in the block."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        raise _of_database(error, error.__cause__, doing) from error
    except psycopg.Error as error:
        raise _of_database(error, error, doing) from error
    except OSError as error:
        code = "disk_full" if error.errno in _FULL else "disk"
        what = "The disk is full" if code == "disk_full" else "The disk refused the work"
        where = f" at {error.filename}" if error.filename else ""
        raise ArchiveFailed(code, f"{what} while {doing}{where}: {error.strerror}.") from error


def _of_database(error: Exception, cause: BaseException | None, doing: str) -> ArchiveFailed:
    state = getattr(cause, "sqlstate", None) or ("" if isinstance(cause, psycopg.Error) else "?")
    if not state:
        state = "08"  # the driver found the connection gone: no answer, so no code of the server's
    unknown = ("database", "The database reports a fault")
    code, what = _KINDS.get(state) or _KINDS.get(state[:2], unknown)
    return ArchiveFailed(code, f"{what} while {doing}: {_detail(error, cause)}")


def _detail(error: Exception, cause: BaseException | None) -> str:
    diag = cause.diag if isinstance(cause, psycopg.Error) else None
    said = (diag.message_primary if diag else None) or (
        str(error).strip().splitlines() or ["no reason given"]
    )[0]
    parts = [said.rstrip(".")]
    if diag and diag.message_detail:
        parts.append(diag.message_detail.rstrip("."))
    if diag and diag.context:
        # "COPY catalog_title, line 3, column name: ..." without the value, which may be anybody's.
        parts.append(diag.context.splitlines()[0].split(": ")[0])
    return "; ".join(parts) + "."
