"""Making, claiming and dropping library-shaped schemas.

A schema's name is opaque and final from the moment it is made, and so is its role: giving it to a library changes
one row of the registry and nothing else (docs/adr/0013). Making and dropping happen on the owner's connection, in
transactions of their own; claiming happens on "default", in the transaction that makes the library.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from saas.core.db.owner import OWNER, SchemaTarget, owner_connection
from saas.core.db.roles import drop_role, grant_schema, make_role
from saas.core.schemas import replay
from saas.core.seeding import prepare_library
from saas.core.tenancy import in_public
from shared_apps.fleet.errors import NoSchemaToClaim
from shared_apps.fleet.models import Backfill, LibrarySchema, SchemaState
from shared_apps.fleet.services.ordinary import migrate_schema_ordinarily
from shared_apps.fleet.services.releases import current_key, release_in_use

_ATTEMPTS = 5
_CLAIM = """
    UPDATE fleet_libraryschema SET state = 'taken' WHERE name = (
        SELECT name FROM fleet_libraryschema WHERE state = 'spare' AND release = %s
        ORDER BY name LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING name
"""


def new_schema_name() -> str:
    """A name that no schema has: it needs no quoting anywhere, and says nothing about the library."""
    return f"lib_{uuid.uuid4().hex[:20]}"


def make_schema(*, state: str = SchemaState.SPARE, prepared: bool = True, name: str | None = None) -> str:
    """Make a schema of the current release with its role, and return its name; a new one unless it is given.

    `prepared` fills in what every library starts with (saas.core.seeding); without it only what the migrations write
    is there, for whoever brings the rows along. One transaction of the owner's, committed on return: killed before
    that, nothing is left. It sees nothing uncommitted of the caller's.
    """
    name = name or new_schema_name()
    with owner_connection() as wrapper:
        release = release_in_use()
        row = LibrarySchema(name=name, state=state, release=release.key)
        if release.script:
            with transaction.atomic(using=OWNER):
                row.save(using=OWNER, force_insert=True)
                _create(wrapper, name)
                replay(wrapper, release.script, name)
                _prepare(wrapper, name, prepared)
        else:
            _make_by_migrations(wrapper, row, prepared)
    return name


def note_release(name: str) -> None:
    """Note that a library's schema has been brought to the current release by the ordinary path. May run twice.

    A schema from before there was a registry gets its row and its role now.
    """
    with owner_connection() as wrapper, transaction.atomic(using=OWNER):
        rows = LibrarySchema.objects.using(OWNER)
        if rows.filter(pk=name).update(release=current_key(), migrated_at=timezone.now()):
            return
        rows.create(name=name, state=SchemaState.TAKEN, release=current_key())
        with wrapper.cursor() as cursor:
            make_role(cursor, name)
            grant_schema(cursor, name, is_filled=True)


def claim_schema() -> str | None:
    """Give a spare of the current release to the caller and return its name; None where there is none.

    On "default", in the caller's transaction: the spare is back in the pool where that is rolled back. Two callers
    never get the same one, and neither waits. Raises TransactionManagementError outside of a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a schema is claimed in the transaction of its library")
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, [current_key()])
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def take_schema() -> str:
    """Claim a spare as `claim_schema` does, after making one where there is none. Raises NoSchemaToClaim."""
    for _attempt in range(_ATTEMPTS):
        name = claim_schema()
        if name is not None:
            return name
        make_schema()
    raise NoSchemaToClaim


def drop_schema(name: str) -> None:
    """Drop a schema with its role and its rows of the registry: all or nothing. May run twice.

    Its library must be out of use: a transaction that still works there is waited for, up to the owner's
    `lock_timeout`, and then OperationalError is raised.
    """
    with owner_connection() as wrapper, transaction.atomic(using=OWNER):
        _drop(wrapper, name)


def drop_unclaimed(name: str) -> bool:
    """Drop a schema that is nobody's; whether it was dropped, which one that is being claimed is not."""
    with owner_connection() as wrapper, transaction.atomic(using=OWNER):
        unclaimed = LibrarySchema.objects.using(OWNER).filter(pk=name).exclude(state=SchemaState.TAKEN)
        if not unclaimed.select_for_update(skip_locked=True).exists():
            return False
        _drop(wrapper, name)
    return True


def _create(wrapper: Any, name: str) -> None:
    with wrapper.cursor() as cursor:
        make_role(cursor, name)
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        grant_schema(cursor, name)


def _prepare(wrapper: Any, name: str, prepared: bool) -> None:
    if prepared:
        wrapper.set_tenant(SchemaTarget(name))
        prepare_library(OWNER)


def _make_by_migrations(wrapper: Any, row: LibrarySchema, prepared: bool) -> None:
    """The fall-back. Migrations that are not atomic need several transactions: until the end it is unfinished."""
    wanted, row.state = row.state, SchemaState.UNFINISHED
    with transaction.atomic(using=OWNER):
        row.save(using=OWNER, force_insert=True)
        _create(wrapper, row.name)
    migrate_schema_ordinarily(wrapper, row.name)
    row.state = wanted
    with transaction.atomic(using=OWNER):
        row.save(using=OWNER, update_fields=["state"])
        _prepare(wrapper, row.name, prepared)


def _drop(wrapper: Any, name: str) -> None:
    LibrarySchema.objects.using(OWNER).filter(pk=name).delete()
    Backfill.objects.using(OWNER).filter(schema=name).delete()
    with wrapper.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
        drop_role(cursor, name)
