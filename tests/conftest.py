"""What every test may use: a copied database with two libraries, their standard accounts, and API clients.

The template database holds the migrated public schema and four migrated library schemas. It is keyed by the migration
files and the locked versions, made once, and copied for each run (a second, not a minute); the starting rows of the
libraries are then written by the same seeders as in production. Each test runs in a transaction that is rolled back,
but for those that take `committed_library`.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[1]
PASSWORD = "correct-horse-battery"
SCHEMAS = {"north": "lib_north", "south": "lib_south", "east": "lib_east", "west": "lib_west"}


# -- the database -----------------------------------------------------------------------------------------------------


def _template_name() -> str:
    digest = hashlib.sha256()
    files = sorted([*PROJECT.glob("*apps/*/migrations/*.py"), *PROJECT.glob("billing/migrations/*.py")])
    for file in [*files, PROJECT / "uv.lock", PROJECT / "saas" / "settings" / "apps.py"]:
        digest.update(file.name.encode() + file.read_bytes())
    return f"lh_template_{digest.hexdigest()[:16]}"


def _server() -> psycopg.Connection[Any]:
    """A connection to the maintenance database of the server that the settings name."""
    params = connection.get_connection_params()
    wanted = {name: params[name] for name in ("host", "port", "user", "password") if params.get(name)}
    return psycopg.connect(dbname="postgres", autocommit=True, **wanted)


def _use(name: str) -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


def _exists(server: psycopg.Connection[Any], name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _build_template(server: psycopg.Connection[Any], name: str) -> None:
    from shared_apps.tenants.services import create_schema

    building = f"{name}_building"
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(building)))
    server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(building)))
    _use(building)
    call_command("migrate_schemas", shared=True, interactive=False, verbosity=0)
    for schema in SCHEMAS.values():
        create_schema(schema)
    connection.close()
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(building), sql.Identifier(name))
    )


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Copy the template, making it first where these migrations have none yet; drop the copy at the end."""
    run = f"lh_run_{os.getpid()}"
    template = _template_name()
    with django_db_blocker.unblock(), _server() as server:
        # One builder at a time, also over several test runs at once.
        server.execute("SELECT pg_advisory_lock(7326001)")
        if not _exists(server, template):
            _build_template(server, template)
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(run)))
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(run), sql.Identifier(template))
        )
        # Tests lose nothing by a lost commit; the demo and production keep the default.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(run)))
        server.execute("SELECT pg_advisory_unlock(7326001)")
        _use(run)
        for name in SCHEMAS:
            _fill(name)
    yield
    with django_db_blocker.unblock(), _server() as server:
        connection.close()
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(run)))


def _fill(name: str) -> None:
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
    _seed(context_of(library), timezone.now())


def _seed(library: Any, now: datetime) -> None:
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


# -- libraries ----------------------------------------------------------------------------------------------------------


def _context(name: str) -> Any:
    from saas.core.tenancy import in_public
    from shared_apps.tenants.selectors import find_library_by_subdomain

    with in_public():
        library = find_library_by_subdomain(name)
    assert library is not None
    return library


@pytest.fixture
def north(db: None) -> Any:
    """A library: `LibraryContext` of north.localhost, in a test that is rolled back."""
    return _context("north")


@pytest.fixture
def south(db: None) -> Any:
    """The other library, with equal ids, codes and roles."""
    return _context("south")


@pytest.fixture
def in_north(north: Any) -> Iterator[Any]:
    """The test body runs in north's schema."""
    from saas.core.tenancy import in_library

    with in_library(north):
        yield north


@pytest.fixture
def in_south(south: Any) -> Iterator[Any]:
    """The test body runs in south's schema."""
    from saas.core.tenancy import in_library

    with in_library(south):
        yield south


@pytest.fixture
def committed_library(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """A library for tests that really commit (threads, killed processes); emptied and filled again afterwards."""
    with django_db_blocker.unblock():
        library = _context("east")
        yield library
        _empty(library)


@pytest.fixture
def other_committed_library(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """A second one, for tests that commit in two libraries at once."""
    with django_db_blocker.unblock():
        library = _context("west")
        yield library
        _empty(library)


_LIBRARY_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r'
      AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""


def _empty(library: Any) -> None:
    from saas.core.tenancy import in_library

    connection.close()
    with in_library(library), connection.cursor() as cursor:
        cursor.execute(_LIBRARY_TABLES, [library.schema_name])
        tables = sql.SQL(", ").join(
            sql.Identifier(library.schema_name, name) for (name,) in cursor.fetchall()
        )
        cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
    _seed(library, timezone.now())


@pytest.fixture
def refresh_libraries() -> Callable[[], None]:
    """Forget hosts after a test changed a library's row."""
    from saas.core.tenancy.hosts import forget_hosts

    return forget_hosts


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test starts and ends in the public schema, with an empty cache where it used one."""
    from saas.core.tenancy import PUBLIC, current_schema
    from saas.core.tenancy.hosts import forget_hosts

    forget_hosts()
    yield
    assert current_schema() == PUBLIC, "the test left a library's schema selected"
    if {"db", "committed_library", "django_db_setup"} & set(request.fixturenames):
        cache.client.get_client(write=True).flushdb()


# -- clients ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Callable[..., Any]:
    """`api(library, "librarian")`: an API client on the library's host, signed in as its standard account of that role.

    A `User` of the library may be given as well; without one the caller is anonymous.
    """
    return client_for


def client_for(library: Any, user: Any = None) -> Any:
    """The client behind the `api` fixture, for module-level code."""
    from rest_framework.test import APIClient
    from rest_framework_simplejwt.tokens import RefreshToken

    from saas.core.tenancy import in_library
    from shared_apps.accounts.models import User

    client = APIClient(HTTP_HOST=f"{library.subdomain}.localhost")
    if user is not None:
        with in_library(library):
            person = (
                User.objects.get(email=f"{user}@{library.subdomain}.example")
                if isinstance(user, str)
                else user
            )
            # Signed here, with this library's key.
            token = str(RefreshToken.for_user(person).access_token)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def public_api(db: None) -> Callable[..., Any]:
    """`public_api()` is an anonymous client on the public site; `public_api(user)` is signed in there."""

    def make(user: Any = None) -> Any:
        from rest_framework.test import APIClient
        from rest_framework_simplejwt.tokens import RefreshToken

        client = APIClient(HTTP_HOST="localhost")
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
        return client

    return make


# -- data -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real records and bad input: LIBRARYHUB_TEST_DATA, by default `../shared/data` beside the project."""
    folder = Path(os.environ.get("LIBRARYHUB_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set LIBRARYHUB_TEST_DATA")
    return folder
