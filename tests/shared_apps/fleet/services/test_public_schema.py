"""The public schema of a new database: made once, however many processes begin with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql

from saas.core.tenancy import in_public
from shared_apps.fleet.services.public_schema import migrate_public, public_plan
from tests import database

pytestmark = pytest.mark.slow


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database without a table, that Django's connections are to."""
    name, before = f"lh_empty_{os.getpid()}", settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        database.drop(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        database.use(name)
        try:
            yield
        finally:
            database.use(before)
            database.drop(server, name)


def test_two_processes_migrate_an_empty_database_one_after_the_other(empty_database: None) -> None:
    def migrate() -> None:
        with in_public():
            migrate_public(None)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for running in [pool.submit(migrate) for _each in range(2)]:
            running.result(timeout=120)
    assert public_plan(None) == ()
