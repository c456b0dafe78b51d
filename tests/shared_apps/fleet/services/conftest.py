"""A scratch database for fleet runs, which commit and make schemas: dropped at the end of the module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from psycopg import sql

from tests import database
from tests.shared_apps.fleet.services.deploys import Fleet, forget_all, importable


@pytest.fixture(scope="module")
def fleet_schemas(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[str]]:
    """A copy of the template that Django's connections are to while the module's tests run; add its schemas here."""
    name, before = f"lh_fleet_{os.getpid()}", settings.DATABASES["default"]["NAME"]
    schemas: list[str] = []
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        database.copy_template(server, name)
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
        database.use(name)
        try:
            yield schemas
        finally:
            database.use(before)
            database.drop(server, name)
            for schema in schemas:
                server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(schema)))


@pytest.fixture
def fleet(fleet_schemas: list[str], tmp_path: Path) -> Iterator[Fleet]:
    """No library and the real migrations, to begin with."""
    fleet = Fleet(tmp_path)
    with importable(tmp_path):
        try:
            yield fleet
        finally:
            fleet.undeploy()
            fleet_schemas += forget_all()
