"""A scratch database for fleet runs, which commit and make schemas: dropped at the end of the module."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import database
from tests.shared_apps.fleet.services.deploys import Fleet, drop_all, importable


@pytest.fixture(scope="module")
def fleet_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Name of a copy of the template that Django's connections are to while the module's tests run."""
    name, before = f"lh_fleet_{os.getpid()}", settings.DATABASES["default"]["NAME"]
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        database.copy_template(server, name)
        database.use(name)
        try:
            yield name
        finally:
            database.use(before)
            database.drop(server, name)


@pytest.fixture
def fleet(fleet_database: str, tmp_path: Path) -> Iterator[Fleet]:
    """No library and the real migrations, to begin with."""
    from shared_apps.fleet.services import drop_schema

    fleet = Fleet(tmp_path)
    with importable(tmp_path):
        try:
            yield fleet
        finally:
            fleet.undeploy()
            drop_all(drop_schema)
