"""The template database behind the tests and the benchmarks: built once for a state of the migrations, then copied.

It holds the migrated public schema and four migrated library schemas without rows. Copying it takes a second where
migrating takes a minute. `fill` gives a library of a copy its starting rows, by the same seeders as in production.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[1]
PASSWORD = "correct-horse-battery"
SCHEMAS = {"north": "lib_north", "south": "lib_south", "east": "lib_east", "west": "lib_west"}
_BUILDING = 7326001  # advisory lock: one builder at a time, also over several runs at once


def maintenance_connection() -> psycopg.Connection[Any]:
    """A connection to the maintenance database of the server that the settings name."""
    params = connection.get_connection_params()
    wanted = {name: params[name] for name in ("host", "port", "user", "password") if params.get(name)}
    return psycopg.connect(dbname="postgres", autocommit=True, **wanted)


def use(name: str) -> None:
    """Make Django's connection of this process one to the database `name`."""
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


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


def template_name() -> str:
    """The template's name: it changes with the migrations, the locked versions and the lists of apps."""
    digest = hashlib.sha256()
    files = sorted([*PROJECT.glob("*apps/*/migrations/*.py"), *PROJECT.glob("billing/migrations/*.py")])
    for file in [*files, PROJECT / "uv.lock", PROJECT / "saas" / "settings" / "apps.py"]:
        digest.update(file.name.encode() + file.read_bytes())
    return f"lh_template_{digest.hexdigest()[:16]}"


def _exists(server: psycopg.Connection[Any], name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _build_template(server: psycopg.Connection[Any], name: str) -> None:
    from shared_apps.tenants.services import create_schema

    building = f"{name}_building"
    drop(server, building)
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(building)))
    use(building)
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    for schema in SCHEMAS.values():
        create_schema(schema)
    connection.close()
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
    )


def fill(name: str) -> None:
    """A library's public row, its starting rows, and an account for each standard role."""
    from shared_apps.tenants.models import Library
    from shared_apps.tenants.selectors import context_of

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
    from saas.core.seeding import LibrarySeed, seed_library
    from saas.core.tenancy import in_library
    from tenant_apps.access.services import create_member

    name = library.subdomain
    with in_library(library):
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
