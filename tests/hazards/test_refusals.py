"""What stands between two libraries where our own code is wrong: a missing table, a schema named, a pooler unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection
from psycopg import sql

from saas import celery
from saas.core.db import base, startup, switching
from saas.core.db.startup import refuse_a_leaking_mode
from saas.core.tenancy import in_library, in_public
from tenant_apps.branches.models import Branch
from tests.hazards.matrix import Arrangement, connected
from tests.hazards.scene import TABLE, Scene
from tests.hazards.test_matrix import arrange
from tests.hazards.visits import NAMES, rows

Reach = Callable[..., Arrangement]


@pytest.fixture(params=["directly", "behind PgBouncer"])
def reach(
    request: pytest.FixtureRequest, scene: Scene, settings: Any, django_db_blocker: Any
) -> Iterator[Reach]:
    """`reach(with_roles=...)`: how to connect to the scene, the two ways after one another."""
    pooler = request.getfixturevalue("pooler") if request.param != "directly" else None
    with django_db_blocker.unblock():
        yield lambda *, with_roles: arrange(scene, settings, pooler=pooler, with_roles=with_roles)


def refusal(statement: str) -> str | None:
    """The database's code for refusing a statement, or None where it does as it is told."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as error:
        return str(getattr(error.__cause__, "sqlstate", error))
    return None


# -- a schema that the code names ---------------------------------------------------------------------------------------------

OTHERS = {
    "select": "SELECT name FROM {schema}.{table}",
    "count": "SELECT count(*) FROM {schema}.{table}",
    "insert": "INSERT INTO {schema}.{table} (code, name, time_zone, version) VALUES ('x', 'x', 'UTC', 1)",
    "update": "UPDATE {schema}.{table} SET name = 'taken over'",
    "delete": "DELETE FROM {schema}.{table}",
    "lock": "SELECT name FROM {schema}.{table} FOR UPDATE",
    "sequence": "SELECT nextval('{schema}.{table}_id_seq')",
    "by the server": "UPDATE pg_settings SET setting = '{schema}' WHERE name = 'search_path'",
    "make": "CREATE TABLE {schema}.mine (id bigint)",
    "drop": "DROP TABLE {schema}.{table}",
}


@pytest.mark.parametrize("statement", OTHERS.values(), ids=OTHERS)
def test_a_librarys_role_may_not_name_another_schema(scene: Scene, reach: Reach, statement: str) -> None:
    own, other = (library.schema_name for library in scene.libraries[:2])
    with connected(reach(with_roles=True)), in_library(scene.libraries[0]):
        for schema in (other, "public"):
            code = refusal(statement.format(schema=schema, table=TABLE))
            assert code == psycopg.errors.InsufficientPrivilege.sqlstate, schema
        # Its own rows are there, and may be named as well.
        assert set(rows(f"SELECT name FROM {own}.{TABLE}")) == set(rows(NAMES)) == {own}
    assert scene.strays() == []


def test_without_roles_only_the_path_stands_in_the_way(scene: Scene, reach: Reach) -> None:
    """The refusals above are the roles' work and nobody else's."""
    other = scene.libraries[1].schema_name
    with connected(reach(with_roles=False)), in_library(scene.libraries[0]):
        assert refusal(f"SELECT name FROM {other}.{TABLE}") is None
        assert refusal(f"SELECT name FROM public.{TABLE}") is None


def test_outside_of_a_library_the_login_may_read_no_library(scene: Scene, reach: Reach) -> None:
    own = scene.libraries[0].schema_name
    with connected(reach(with_roles=True)), in_public():
        assert refusal(f"SELECT name FROM {own}.{TABLE}") == psycopg.errors.InsufficientPrivilege.sqlstate
        assert set(rows(NAMES)) == {"public"}


@pytest.mark.parametrize("statement", ["RESET ROLE", "SET ROLE {other}"], ids=["reset", "another's"])
def test_a_role_that_was_changed_behind_our_back_reads_no_other_library(
    scene: Scene, reach: Reach, statement: str
) -> None:
    """The server does not report its role, only its path: until the next switch nothing is read, never too much."""
    own, other = scene.libraries[:2]
    with connected(reach(with_roles=True)) as wrapper:
        with in_library(own):
            assert set(rows(NAMES)) == {own.schema_name}
            assert refusal(statement.format(other=other.schema_name)) is None
            if wrapper.carries_switch:
                assert set(rows(NAMES)) == {own.schema_name}
            else:
                assert refusal(NAMES) in {
                    psycopg.errors.InsufficientPrivilege.sqlstate,
                    psycopg.errors.UndefinedTable.sqlstate,
                }
        for library in (other, own):
            with in_library(library):
                assert set(rows(NAMES)) == {library.schema_name}


# -- a table that is missing --------------------------------------------------------------------------------------------------


@contextmanager
def table_missing(scene: Scene, schema: str) -> Iterator[None]:
    """The library has no branches, for the time of the block."""
    table, hidden = sql.Identifier(schema, TABLE), sql.Identifier(f"{TABLE}_hidden")
    back = sql.Identifier(schema, f"{TABLE}_hidden")
    with scene.administrator() as administrator:
        administrator.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(table, hidden))
        try:
            yield
        finally:
            administrator.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(back, sql.Identifier(TABLE)))


@pytest.mark.parametrize("with_roles", [True, False], ids=["roles", "no roles"])
def test_a_missing_table_is_an_error_and_never_the_public_row(
    scene: Scene, reach: Reach, with_roles: bool
) -> None:
    own, other = scene.libraries[:2]
    missing = psycopg.errors.UndefinedTable.sqlstate
    with connected(reach(with_roles=with_roles)), table_missing(scene, own.schema_name):
        with in_library(own):
            assert refusal(NAMES) == missing
            assert refusal(f"INSERT INTO {TABLE} (code, name) VALUES ('x', 'x')") == missing
            with pytest.raises(DatabaseError):
                Branch.objects.count()
        with in_library(other):
            assert set(rows(NAMES)) == {other.schema_name}
        # The public table of that name is there, with its row.
        with in_public():
            assert set(rows(NAMES)) == {"public"}
    assert scene.strays() == []


def test_with_public_on_the_path_it_would_be_the_public_row(
    scene: Scene, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red when the mend is taken out: the same with django-tenants' path, where nothing else stands in the way."""
    monkeypatch.setattr(switching, "EXTENSIONS", "public, extensions")
    monkeypatch.setattr(base, "switch_to", switching.switch_to.__wrapped__)
    own = scene.libraries[0]
    with connected(reach(with_roles=False)), table_missing(scene, own.schema_name), in_library(own):
        assert set(rows(NAMES)) == {"public"}


# -- a pooler that the settings do not know of ------------------------------------------------------------------------------


def test_a_pooler_that_nobody_told_of_is_refused(
    scene: Scene, pooler: dict[str, str], settings: Any, django_db_blocker: Any
) -> None:
    arrangement = arrange(scene, settings, pooler=pooler)
    with django_db_blocker.unblock(), connected(arrangement) as wrapper, in_library(scene.libraries[0]):
        settings.DATABASE_POOLER = "none"
        for _attempt in range(2):
            with pytest.raises(ImproperlyConfigured, match="DATABASE_POOLER"):
                rows(NAMES)
        assert wrapper.connection is None
        settings.DATABASE_POOLER = "transaction"
        assert set(rows(NAMES)) == {scene.libraries[0].schema_name}


def test_a_pooler_is_refused_with_djangos_pool_as_well(
    scene: Scene, pooler: dict[str, str], settings: Any, django_db_blocker: Any
) -> None:
    arrangement = arrange(scene, settings, pooler=pooler, with_pool=True)
    arrangement.settings["OPTIONS"]["pool"] |= {"max_size": 2, "timeout": 2}
    settings.DATABASE_POOLER = "none"
    with django_db_blocker.unblock(), mock.patch.object(base.DatabaseWrapper, "_connection_pools", {}):
        with connected(arrangement) as wrapper, in_library(scene.libraries[0]):
            for _attempt in range(8):  # more than the pool has connections: each is given back
                with pytest.raises(ImproperlyConfigured, match="DATABASE_POOLER"):
                    rows(NAMES)
            wrapper.close_pool()


def test_a_process_behind_such_a_pooler_does_not_start(
    scene: Scene, pooler: dict[str, str], settings: Any, django_db_blocker: Any
) -> None:
    arrangement = arrange(scene, settings, pooler=pooler)
    with django_db_blocker.unblock(), connected(arrangement) as wrapper:
        refuse_a_leaking_mode()
        assert wrapper.connection is None, "nothing stays open that a worker would inherit"
        settings.DATABASE_POOLER = "none"
        with pytest.raises(ImproperlyConfigured, match="DATABASE_POOLER"):
            refuse_a_leaking_mode()
        with pytest.raises(SystemExit, match="DATABASE_POOLER"):
            celery.refuse_to_start_where_a_library_could_leak()


def test_a_database_that_is_away_keeps_no_process_from_starting(settings: Any) -> None:
    class Away:
        closed = False

        def ensure_connection(self) -> None:
            raise OperationalError("connection refused")

        def close(self) -> None:
            self.closed = True

    away = Away()
    with mock.patch.object(startup, "connection", away):
        refuse_a_leaking_mode()
    assert away.closed


def test_a_pooler_that_refuses_our_limits_is_named_as_well(
    scene: Scene, pooler: dict[str, str], settings: Any, django_db_blocker: Any
) -> None:
    arrangement = arrange(scene, settings, pooler=pooler)
    arrangement.settings["OPTIONS"] |= {"options": "-c statement_timeout=30000"}
    settings.DATABASE_POOLER = "none"
    with (
        django_db_blocker.unblock(),
        connected(arrangement),
        pytest.raises(ImproperlyConfigured, match="DATABASE_POOLER"),
    ):
        refuse_a_leaking_mode()


def test_a_pooler_told_of_where_none_is_does_no_harm(
    scene: Scene, settings: Any, django_db_blocker: Any
) -> None:
    arrangement = arrange(scene, settings)
    settings.DATABASE_POOLER = "transaction"
    with django_db_blocker.unblock(), connected(arrangement), in_library(scene.libraries[0]):
        assert set(rows(NAMES)) == {scene.libraries[0].schema_name}
