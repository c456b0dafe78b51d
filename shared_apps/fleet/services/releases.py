"""Releases: what the library apps' migrations come to, and a script that makes a schema of it without running them.

The first process that needs a release builds it: a template schema by the ordinary migrations, a script written from
it, and a check of the script against the template, fact by fact and row by row. The template is dropped again, so it
never holds a user, a secret or a token: nothing but tables and what the migrations themselves write.
"""

from __future__ import annotations

import hashlib
import pkgutil
import uuid
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any, cast

import structlog
from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from saas.core import schemas
from saas.core.db.owner import OWNER, owner_connection
from shared_apps.fleet.models import Release
from shared_apps.fleet.services.locks import FleetLock, held
from shared_apps.fleet.services.ordinary import migrate_schema_ordinarily

log = structlog.get_logger(__name__)
# One builder at a time, so its name is the same each time, and what a killed one left is found and dropped.
TEMPLATE = "release_template"
# What migrations write into a new schema, with its ids.
COPIED_TABLES = ("django_migrations", "django_content_type", "auth_permission")


@cache
def library_migrations() -> tuple[str, ...]:
    """The sorted "app.name" of every migration of the library apps on disk; read once in a process."""
    return tuple(
        sorted(f"{label}.{name}" for label in _library_labels() for name in migrations_on_disk(label))
    )


def migrations_on_disk(label: str) -> list[str]:
    """Names of an app's migrations, by its label, as Django's loader finds them, but without importing each."""
    module_name, _explicit = MigrationLoader.migrations_module(label)
    if module_name is None:
        return []
    try:
        package = import_module(module_name)
    except ModuleNotFoundError:
        return []
    found = pkgutil.iter_modules(package.__path__)
    return [module.name for module in found if not module.ispkg and module.name[0] not in "_~"]


def key_of(migrations: Iterable[str]) -> str:
    """The key of the release that consists of these migrations ("app.name"): SHA-256 in hex."""
    return hashlib.sha256("\n".join(sorted(migrations)).encode()).hexdigest()


def current_key() -> str:
    """The key of the release of this process's code."""
    return key_of(library_migrations())


def current_release() -> Release:
    """The release of this process's code, built now if nobody has yet (seconds); one process builds, others wait.

    Works on the owner's connection and sees nothing uncommitted of the caller's. A release whose script could not be
    written, or did not make an identical schema, has an empty one and is logged as a warning.
    """
    with owner_connection():
        return release_in_use()


def release_in_use() -> Release:
    """The same inside a block of `owner_connection()`, on its connection where the release is there already."""
    return _built() or _build()


def _built() -> Release | None:
    """Made on this server: after pg_upgrade the same schema reads differently, and its release is made anew."""
    return Release.objects.using(OWNER).filter(pk=current_key(), server=_server()).first()


def _server() -> int:
    wrapper: Any = connections[OWNER]
    return int(wrapper.pg_version // 10_000)


def _build() -> Release:
    with held(FleetLock.RELEASE, wait=True), owner_connection() as wrapper:
        built = _built()
        if built is not None:
            return built
        _drop_template(wrapper)
        try:
            _make_template(wrapper)
            release = release_of(wrapper, TEMPLATE, migrations=library_migrations())
            release.save(using=OWNER)
        finally:
            _drop_template(wrapper)
    return release


def _make_template(wrapper: Any) -> None:
    """By the ordinary migrations, which go on from the release before: so do the ids of content types and permissions.

    Otherwise a library that was migrated and one that was made would number them differently.
    """
    earlier = release_before()
    with transaction.atomic(using=OWNER), wrapper.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(TEMPLATE)))
        if earlier is not None:
            schemas.replay(wrapper, earlier.script, TEMPLATE)
    migrate_schema_ordinarily(wrapper, TEMPLATE)


def release_before() -> Release | None:
    """The newest release whose migrations are all among the current ones and that has a script."""
    wanted = set(library_migrations())
    earlier = Release.objects.using(OWNER).exclude(script="").defer("script").order_by("-created_at")
    return next((release for release in earlier if wanted.issuperset(release.migrations)), None)


def release_of(wrapper: Any, schema: str, *, migrations: Iterable[str]) -> Release:
    """Describe a schema that stands at exactly these migrations ("app.name") as a release, which is not saved.

    On the owner's connection, also inside a transaction. Its script is checked by making another schema of it.
    """
    names = sorted(migrations)
    release = Release(key=key_of(names), migrations=names, script="", fingerprint="", server=_server())
    with wrapper.cursor() as cursor:
        release.shape = schemas.shapes(cursor, [schema])[schema]
        try:
            release.fingerprint = schemas.fingerprint(schemas.read_facts(cursor, schema))
            script = schemas.write_script(cursor, schema, rows_of=COPIED_TABLES)
        except schemas.UnknownObject as error:
            log.warning("fleet.release_without_script", release=release.key, reason=str(error))
            return release
    faults = _faults_of(wrapper, script, schema)
    if faults:
        log.warning("fleet.release_without_script", release=release.key, reason="; ".join(faults[:20]))
    else:
        release.script = script
    return release


def _faults_of(wrapper: Any, script: str, original: str) -> list[str]:
    """In what a schema made by the script differs from the original; its transaction (or savepoint) is rolled back."""
    scratch = f"release_scratch_{uuid.uuid4().hex[:12]}"
    try:
        with transaction.atomic(using=OWNER), wrapper.cursor() as cursor:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(scratch)))
            schemas.replay(wrapper, script, scratch)
            faults = schemas.differences(
                schemas.read_facts(cursor, original), schemas.read_facts(cursor, scratch)
            )
            for table in COPIED_TABLES:
                if _rows(cursor, original, table) != _rows(cursor, scratch, table):
                    faults.append(f"other rows in {table}")
            transaction.set_rollback(True, using=OWNER)
    except DatabaseError as error:
        return [f"the script fails: {error}"]
    return faults


def _rows(cursor: Any, schema: str, table: str) -> list[Any]:
    """The table's rows by id, and where its sequence stands."""
    name = sql.Identifier(schema, table)
    cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY id").format(name))
    rows = list(cursor.fetchall())
    cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [f"{schema}.{table}"])
    (sequence,) = cursor.fetchone()
    cursor.execute(
        sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(*sequence.split(".")))
    )
    return [*rows, cursor.fetchone()]


def _drop_template(wrapper: Any) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(TEMPLATE)))


def _library_labels() -> list[str]:
    return [app.label for app in apps.get_app_configs() if app.name in cast(Any, settings).TENANT_APPS]
