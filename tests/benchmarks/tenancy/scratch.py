"""The scratch database of a run: made from the tests' template, dropped at the end with every role that its schemas had.

Roles belong to the server and outlive a database. Their names are written down in a file before the database goes, so
that a run that is killed in between leaves nothing that the next one does not find.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from saas.settings.cache import redis_database
from saas.settings.tasks import BROKER_DATABASE
from tests import database
from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests.broker import environment_redis, forget_messages

DATABASE = "lh_tenancy"
# The same advisory lock as that of the benchmark of requests: two benchmarks at once would measure each other.
ONE_RUN = 7326002
_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL")
_LIBRARY_ROLE = re.compile(r"lib_[0-9a-f]{20}")
_BATCH = 500
_ROLES_OF = """
    SELECT DISTINCT r.rolname
    FROM pg_catalog.pg_shdepend d
    JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid
    JOIN pg_catalog.pg_database b ON b.oid = d.dbid
    WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND b.datname = %s
"""


@contextmanager
def scratch_database(names: Path) -> Iterator[str]:
    """An empty fleet (the migrated public schema alone) for the length of the run; yields the server's version.

    `names` is the file that remembers roles. What a killed run has left is removed first. Raises BenchmarkRefused
    while another benchmark runs, and where the server cannot be reached.
    """
    try:
        connected = database.maintenance_connection()
    except psycopg.OperationalError as error:
        raise BenchmarkRefused(f"PostgreSQL does not answer: {error}") from error
    with connected as server:
        locked = server.execute("SELECT pg_try_advisory_lock(%s)", [ONE_RUN]).fetchone()
        if not (locked and locked[0]):
            raise BenchmarkRefused("another run is measuring on this server; wait for it to end")
        remove(server, names)
        try:
            database.copy_template(server, DATABASE)
            prepare()
            yield server.execute("SHOW server_version").fetchall()[0][0].split()[0]
        finally:
            remove(server, names)
            forget_messages(redis_database(environment_redis(), BROKER_DATABASE))


def remove(server: psycopg.Connection[Any], names: Path) -> None:
    """Drop the scratch database and the roles of its libraries, or what is left of them."""
    roles = {name for (name,) in server.execute(_ROLES_OF, [DATABASE]).fetchall()}
    if names.is_file():
        roles.update(names.read_text().split())
    roles = {name for name in roles if _LIBRARY_ROLE.fullmatch(name)}
    names.parent.mkdir(parents=True, exist_ok=True)
    names.write_text("\n".join(sorted(roles)))
    database.drop(server, DATABASE)
    ordered = sorted(roles)
    for at in range(0, len(ordered), _BATCH):
        some = sql.SQL(", ").join(map(sql.Identifier, ordered[at : at + _BATCH]))
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(some))
    names.unlink()


def environment() -> dict[str, str]:
    """The variables that lead a process to the scratch database, from those that lead this one to the server."""
    return {
        name: urlsplit(url)._replace(path=f"/{DATABASE}").geturl()
        for name in _URLS
        if (url := os.environ.get(name))
    }


def owner_url() -> str:
    """The scratch database, logged in as the owner of the schemas."""
    found = environment()
    return found.get("DATABASE_OWNER_URL") or found["DATABASE_URL"]


def connect() -> psycopg.Connection[Any]:
    """A connection to the scratch database as the owner, without Django; autocommit."""
    return psycopg.connect(owner_url(), autocommit=True)


def prepare() -> None:
    """Make the copied template an empty fleet: without its libraries, and with the rights of this run's login."""
    from saas.core.db import roles
    from saas.core.db.owner import owner_connection

    database.use(DATABASE)
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        for schema in database.SCHEMAS.values():
            cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
        roles.prepare_database(cursor)
