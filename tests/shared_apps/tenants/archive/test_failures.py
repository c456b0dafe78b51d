"""Faults are named for the operator, and nothing else is taken for one."""

from __future__ import annotations

import errno

import psycopg
import pytest
from django.db import DatabaseError, OperationalError

from shared_apps.tenants.archive.errors import ArchiveFailed, ArchiveRefused
from shared_apps.tenants.archive.failures import named


def failure_of(error: BaseException) -> ArchiveFailed:
    with pytest.raises(ArchiveFailed) as failed:
        with named("loading the table loans"):
            raise error
    assert "while loading the table loans" in str(failed.value)
    assert failed.value.__cause__ is error
    return failed.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (psycopg.errors.DiskFull("no space"), "disk_full"),
        (psycopg.errors.TooManyConnections("too many"), "server_exhausted"),
        (psycopg.errors.UniqueViolation("twice"), "bad_row"),
        (psycopg.errors.ForeignKeyViolation("nobody"), "bad_row"),
        (psycopg.errors.InvalidTextRepresentation("x"), "bad_row"),
        (psycopg.errors.LockNotAvailable("locked"), "busy"),
        (psycopg.errors.AdminShutdown("bye"), "stopped"),
        (psycopg.errors.QueryCanceled("slow"), "stopped"),
        (psycopg.errors.UndefinedTable("no table"), "database_refused"),
        (psycopg.errors.InternalError_("odd"), "database"),
        (psycopg.OperationalError("server closed the connection unexpectedly"), "connection_lost"),
    ],
)
def test_by_what_the_server_says(error: psycopg.Error, code: str) -> None:
    assert failure_of(error).code == code
    wrapped = OperationalError(str(error))
    wrapped.__cause__ = error
    with pytest.raises(ArchiveFailed) as failed, named("importing"):
        raise wrapped from error
    assert failed.value.code == code


def test_an_error_of_djangos_own() -> None:
    assert failure_of(DatabaseError("of Django's own")).code == "database"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk_full"), (errno.EDQUOT, "disk_full"), (errno.EIO, "disk"), (errno.EACCES, "disk")],
)
def test_by_what_the_disk_says(number: int, code: str) -> None:
    failed = failure_of(OSError(number, "said", "/media/x"))
    assert failed.code == code
    assert "/media/x" in str(failed)


def test_what_is_no_fault_of_theirs_goes_through() -> None:
    for error in (ArchiveRefused("empty", "The file is empty."), ZeroDivisionError(), KeyboardInterrupt()):
        with pytest.raises(type(error)), named("importing"):
            raise error
