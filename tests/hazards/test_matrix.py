"""Twelve threads in eight libraries, through everything that moves the search path: no read shows another's rows.

Each way to reach the database has a quick test, in which every combination is had by one thread, and a deep one, in
which three of them have it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from saas.core.db.base import DatabaseWrapper
from tests.hazards import scene as scenes
from tests.hazards import servers
from tests.hazards.matrix import THREADS, Arrangement
from tests.hazards.scene import Scene
from tests.hazards.visits import Tally

# The driver warns of server-side cursors whose session was ended before they were closed.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
QUICK, DEEP = THREADS, 4


def arrange(
    scene: Scene, settings: Any, *, pooler: Any = None, with_roles: bool = True, with_pool: bool = False
) -> Arrangement:
    """How threads reach the scene: directly or through PgBouncer, with Django's pool or without."""
    settings.LIBRARY_ROLES = with_roles
    settings.DATABASE_POOLER = "transaction" if pooler else "none"
    described = scene.settings_for(scene.login if with_roles else scene.flat, pooler)
    if pooler:
        described["OPTIONS"] |= {"options": ""}  # PgBouncer refuses them; the settings leave them out as well
    if with_pool:
        # A thread waits for a connection that another has just used in another library.
        described |= {"CONN_MAX_AGE": 0}
        described["OPTIONS"] |= {"pool": {"min_size": 1, "max_size": THREADS // 2, "timeout": 60}}
    return Arrangement(scene, DatabaseWrapper, described, returns_connections=with_pool)


def require_its_own(tally: Tally, *, at_least: int, pooler: bool = False) -> None:
    """Every read of every thread showed its own library, and none ended in an error.

    Behind a pooler a session that one thread has ended may be another's: such visits are begun again.
    """
    assert tally.wrong == []
    assert tally.strays == []
    assert tally.failed == []
    assert tally.reads >= at_least
    assert tally.lost <= (tally.reads // 10 if pooler else 0)


WAYS = [
    pytest.param({"with_roles": on, "with_pool": pool}, id=f"{pooled}, {roles}")
    for pool, pooled in ((False, "a connection each"), (True, "Django's pool"))
    for on, roles in ((True, "roles"), (False, "no roles"))
]


def test_directly(scene: Scene, settings: Any, visits: Callable[..., Tally]) -> None:
    require_its_own(visits(arrange(scene, settings), share=QUICK), at_least=3_000)


def test_behind_pgbouncer(
    scene: Scene, pooler: dict[str, str], settings: Any, visits: Callable[..., Tally]
) -> None:
    tally = visits(arrange(scene, settings, pooler=pooler), share=QUICK)
    require_its_own(tally, at_least=3_000, pooler=True)


@pytest.mark.deep
@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_reads(
    scene: Scene, settings: Any, visits: Callable[..., Tally], way: dict[str, bool]
) -> None:
    require_its_own(visits(arrange(scene, settings, **way), share=DEEP), at_least=10_000)


@pytest.mark.deep
@pytest.mark.parametrize("way", WAYS)
def test_ten_thousand_reads_behind_pgbouncer(
    scene: Scene, pooler: dict[str, str], settings: Any, visits: Callable[..., Tally], way: dict[str, bool]
) -> None:
    tally = visits(arrange(scene, settings, pooler=pooler, **way), share=DEEP)
    require_its_own(tally, at_least=10_000, pooler=True)


# -- a server that does not report its path ---------------------------------------------------------------------------------

if (
    servers.OLDER_POSTGRES.is_dir()
):  # (Debian's; elsewhere these tests are not there, CI needs no second PostgreSQL)

    @pytest.fixture(scope="module")
    def older_scene(django_db_blocker: Any) -> Iterator[Scene]:
        """The same eight libraries on PostgreSQL 15."""
        with django_db_blocker.unblock(), servers.older_postgres() as server, scenes.build(server) as built:
            yield built

    @pytest.mark.deep
    @pytest.mark.parametrize("way", WAYS)
    def test_ten_thousand_reads_on_postgresql_15(
        older_scene: Scene, settings: Any, visits: Callable[..., Tally], way: dict[str, bool]
    ) -> None:
        require_its_own(visits(arrange(older_scene, settings, **way), share=DEEP), at_least=10_000)

    @pytest.mark.deep
    def test_ten_thousand_reads_on_postgresql_15_behind_pgbouncer(
        older_scene: Scene, settings: Any, visits: Callable[..., Tally]
    ) -> None:
        with servers.pgbouncer(older_scene.server, older_scene.passwords) as pooler:
            tally = visits(arrange(older_scene, settings, pooler=pooler), share=DEEP)
        require_its_own(tally, at_least=10_000, pooler=True)
