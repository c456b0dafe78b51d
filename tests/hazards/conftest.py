"""The scene of the hazards: a database with eight libraries, and PgBouncer before it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from tests.hazards import matrix, servers
from tests.hazards import scene as scenes
from tests.hazards.matrix import Arrangement
from tests.hazards.scene import Scene
from tests.hazards.visits import Tally


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """Eight libraries that are really there, on the server of the tests."""
    with scenes.build(connections["owner"].settings_dict) as built:
        yield built


@pytest.fixture(scope="session")
def pooler(scene: Scene) -> Iterator[dict[str, str]]:
    """HOST and PORT of a PgBouncer in transaction mode with three connections for each login of the scene."""
    if servers.PGBOUNCER is None:
        pytest.skip("PgBouncer is not installed (Debian's package pgbouncer)")
    with servers.pgbouncer(scene.server, scene.passwords) as address:
        yield address


@pytest.fixture
def transaction_pooler(pooler: dict[str, str], settings: Any) -> dict[str, str]:
    """The same, with the settings that belong to it."""
    settings.DATABASE_POOLER = "transaction"
    return pooler


@pytest.fixture
def visits(django_db_blocker: Any) -> Callable[..., Tally]:
    """`visits(arrangement, share=12)`: tests.hazards.matrix.run, whose threads may use the database."""

    def run(arrangement: Arrangement, *, share: int) -> Tally:
        with django_db_blocker.unblock():
            tally = matrix.run(arrangement, share=share)
        # Cursors of sessions that were ended go now, while the caller's filter for their warnings holds.
        gc.collect()
        return tally

    return run


@pytest.fixture(scope="session")
def _east_and_west(django_db_setup: None, django_db_blocker: Any) -> tuple[Any, Any]:
    from shared_apps.tenants.selectors import find_library_by_subdomain

    with django_db_blocker.unblock():
        return find_library_by_subdomain("east"), find_library_by_subdomain("west")


@pytest.fixture
def east(_east_and_west: tuple[Any, Any], django_db_blocker: Any) -> Iterator[Any]:
    """A library that threads may read; nothing is written, so nothing need be taken away (see committed_library)."""
    with django_db_blocker.unblock():
        yield _east_and_west[0]


@pytest.fixture
def west(_east_and_west: tuple[Any, Any], django_db_blocker: Any) -> Iterator[Any]:
    """A second one."""
    with django_db_blocker.unblock():
        yield _east_and_west[1]
