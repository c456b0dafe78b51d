"""The template database behind the tests and the benchmarks: built once for a state of the migrations, then copied.

It holds the migrated public schema and four migrated library schemas without rows. Copying it takes a second where
migrating takes a minute. `fill` gives a library of a copy its starting rows, by the same seeders as in production.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, connections, transaction
from django.utils import timezone
from psycopg import sql

from saas.core.db import roles
from saas.core.db.owner import owner_connection

PROJECT = Path(__file__).resolve().parents[1]
PASSWORD = "correct-horse-battery"
SCHEMAS = {"north": "lib_north", "south": "lib_south", "east": "lib_east", "west": "lib_west"}
_BUILDING = 7326001  # advisory lock: one builder at a time, also over several runs at once


@contextmanager
def sandbox() -> Iterator[None]:
    """A transaction that is rolled back at the end and belongs to no library, as the one that Django puts around a test."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


def maintenance_connection() -> psycopg.Connection[Any]:
    """A connection to the maintenance database of the server that the settings name."""
    params = connections["owner"].get_connection_params()
    wanted = {name: params[name] for name in ("host", "port", "user", "password") if params.get(name)}
    return psycopg.connect(dbname="postgres", autocommit=True, **wanted)


_WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"


def somebody_waits() -> bool:
    """Whether a session of this run's database waits for a lock.

    The owner looks, and anew each time: the login of requests does not see what others wait for, and a transaction
    goes on seeing the sessions of its first look.
    """
    with maintenance_connection() as server:
        found = server.execute(_WAITERS, [connection.settings_dict["NAME"]]).fetchone()
    return bool(found and found[0])


def wait_for_a_waiter(seconds: float = 20) -> bool:
    """Return True once somebody waits for a lock: the race is on, and it is certain. False when the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if somebody_waits():
            return True
        time.sleep(0.02)
    return False


def use(name: str) -> None:
    """Make Django's connections of this process ones to the database `name`."""
    for alias in connections:
        connections[alias].close()
        settings.DATABASES[alias]["NAME"] = connections[alias].settings_dict["NAME"] = name


def copy_template(server: psycopg.Connection[Any], name: str) -> None:
    """Make the database `name` a fresh copy of the template, which is built first where these migrations have none."""
    template = template_name()
    server.execute("SELECT pg_advisory_lock(%s)", [_BUILDING])
    if not _exists(server, template):
        _build_template(server, template)
    drop(server, name)
    server.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    )
    server.execute("SELECT pg_advisory_unlock(%s)", [_BUILDING])


def drop(server: psycopg.Connection[Any], name: str) -> None:
    """Drop the database `name`, whoever is connected to it; nothing happens where there is none."""
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    _drop_roles_of_no_database(server)


_ROLES_OF_NO_DATABASE = """
    SELECT rolname FROM pg_roles r WHERE rolname ~ '^lib_[0-9a-f]{20}$'
      AND NOT EXISTS (SELECT 1 FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid)
"""


def _drop_roles_of_no_database(server: psycopg.Connection[Any]) -> None:
    """Roles belong to the server: those of libraries whose database is gone would pile up."""
    for (role,) in server.execute(_ROLES_OF_NO_DATABASE).fetchall():
        with contextlib.suppress(psycopg.Error):  # another run has just dropped it, or begun to use it
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def template_name() -> str:
    """The template's name: it changes with the migrations, the locked versions and the lists of apps."""
    digest = hashlib.sha256()
    files = sorted([*PROJECT.glob("*apps/*/migrations/*.py"), *PROJECT.glob("billing/migrations/*.py")])
    # What the release in the template was written by.
    files += sorted(PROJECT.glob("saas/core/schemas/*.py"))
    files.append(PROJECT / "shared_apps/fleet/services/releases.py")
    digest.update(settings.DATABASES["default"]["USER"].encode())  # who is granted what in it
    for file in [
        *files,
        PROJECT / "saas" / "core" / "db" / "roles.py",
        PROJECT / "uv.lock",
        PROJECT / "saas" / "settings" / "apps.py",
    ]:
        digest.update(file.name.encode() + file.read_bytes())
    return f"lh_roles_{digest.hexdigest()[:16]}"


def _exists(server: psycopg.Connection[Any], name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _build_template(server: psycopg.Connection[Any], name: str) -> None:
    from shared_apps.fleet.services import current_release, migrate_schema_ordinarily

    building = f"{name}_building"
    drop(server, building)
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(building)))
    use(building)
    with owner_connection() as owner:
        with owner.cursor() as cursor:
            roles.prepare_database(cursor)
        migrate_schema_ordinarily(owner, "public")
        for schema in SCHEMAS.values():
            with owner.cursor() as cursor:
                roles.make_role(cursor, schema)
                cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
                roles.grant_schema(cursor, schema)
            migrate_schema_ordinarily(owner, schema)
    current_release()
    connection.close()
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
    )


def fill(name: str) -> None:
    """A library's public row, its starting rows, and an account for each standard role."""
    from shared_apps.fleet.models import LibrarySchema
    from shared_apps.fleet.services import current_key
    from shared_apps.tenants.models import Library
    from shared_apps.tenants.selectors import context_of

    LibrarySchema.objects.create(name=SCHEMAS[name], state="taken", release=current_key())
    library = Library.objects.create(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, name),
        schema_name=SCHEMAS[name],
        subdomain=name,
        name=f"{name.title()} Library",
        status="active",
        time_zone="Europe/Rome",
        country="IT",
        created_at=timezone.now(),
    )
    seed(context_of(library), timezone.now())


def seed(library: Any, now: datetime) -> None:
    """The starting rows of a library whose tables are empty, and its standard accounts (PASSWORD for each)."""
    from django.contrib.auth.hashers import make_password

    from saas.core.principals import SYSTEM
    from saas.core.seeding import LibrarySeed, prepare_library, seed_library
    from saas.core.tenancy import in_library
    from tenant_apps.access.services import create_member

    name = library.subdomain
    with in_library(library):
        prepare_library("default")
        seed_library(
            LibrarySeed(
                library,
                f"admin@{name}.example",
                "Ada Admin",
                make_password(PASSWORD),
                "en",
                "IT",
                "Europe/Rome",
                now,
            )
        )
        for role in ("librarian", "reader"):
            create_member(
                email=f"{role}@{name}.example",
                name=f"{role.title()} of {name.title()}",
                password=PASSWORD,
                role=role,
                now=now,
                by=SYSTEM,
            )
