"""Files of a library that is being imported, and what a killed import left of them.

They are written where they will stay, in the folder of a schema whose name is new: until the library is committed
nobody looks there. A marker says that the import is under way, and so does an advisory lock of its transaction, which
ends with it however it ends. Whoever finds a marker whose lock is free knows how it ended by asking the database.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import structlog
from django.conf import settings
from django.db import DatabaseError, transaction

from saas.core.db.owner import OWNER, owner_connection
from shared_apps.tenants.archive import files
from shared_apps.tenants.models import Library

log = structlog.get_logger(__name__)


def begin(wrapper: Any, schema: str) -> Path:
    """Announce an import in its transaction, and make the empty folder of its files; the folder."""
    with wrapper.cursor() as cursor:
        # First the lock, then the marker: a marker without a lock is always one that was left behind.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_number(schema)])
    markers = _markers(wrapper)
    markers.mkdir(mode=0o700, parents=True, exist_ok=True)
    (markers / schema).touch(mode=0o600)
    files.sync_folder(markers)
    folder = files.folder_of(schema)
    folder.mkdir(mode=0o700)
    return folder


def settle_all() -> None:
    """Clear up after every import that has ended, however it did; those under way are left alone."""
    with owner_connection() as wrapper:
        for schema in list(_marked(_markers(wrapper))):
            settle(wrapper, schema)


def settle(wrapper: Any, schema: str) -> bool | None:
    """Clear up after one import; whether its library is there, None while it is under way.

    The files of a library that was not committed are removed; nobody else has a schema of this name.
    """
    with transaction.atomic(using=OWNER):
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_number(schema)])
            (is_over,) = cursor.fetchone()
        if not is_over:
            return None
        is_there = Library.objects.using(OWNER).filter(schema_name=schema).exists()
        if not is_there:
            shutil.rmtree(files.folder_of(schema), ignore_errors=False, onerror=_gone_is_fine)
            log.info("library.import_cleared_up", schema=schema)
        (_markers(wrapper) / schema).unlink(missing_ok=True)
        return bool(is_there)


def settle_after(schema: str) -> bool | None:
    """Clear up after an import of this process, as `settle` does; what cannot be done is left to the next one."""
    try:
        with owner_connection() as wrapper:
            return settle(wrapper, schema)
    except (DatabaseError, psycopg.Error, OSError) as error:
        log.warning("library.import_not_cleared_up", schema=schema, error=str(error))
        return None


def _markers(wrapper: Any) -> Path:
    """Of this database alone: another one that shares the folder knows nothing of its libraries."""
    return Path(settings.MEDIA_ROOT) / ".importing" / str(wrapper.settings_dict["NAME"])


def _marked(markers: Path) -> Iterator[str]:
    if markers.is_dir():
        yield from sorted(path.name for path in markers.iterdir() if path.name.startswith("lib_"))


def _number(schema: str) -> int:
    """The schema's random digits, as a number of 63 bits: apart from the small ones of the fleet's own locks."""
    return int(schema.removeprefix("lib_")[:15], 16) | 1 << 61


def _gone_is_fine(_function: Any, _path: Any, problem: Any) -> None:
    if not isinstance(problem[1], FileNotFoundError):
        raise problem[1]
