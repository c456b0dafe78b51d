"""Prepared statements outlive what they were prepared in: another library, a migration, the server's memory of them.

That they read the library of the moment through every disturbance is in the matrix (tests.hazards.readings).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from saas.core.db import base
from saas.core.tenancy import LibraryContext, in_library
from tests.hazards.matrix import connected
from tests.hazards.scene import TABLE, Scene
from tests.hazards.test_matrix import arrange
from tests.hazards.visits import NAMES, rows

ALL = f"SELECT * FROM {TABLE} ORDER BY id"
PREPARED = "SELECT statement FROM pg_catalog.pg_prepared_statements"


@pytest.fixture
def wrapper(scene: Scene, settings: Any, django_db_blocker: Any) -> Iterator[Any]:
    """This thread's connection, directly to the scene and with roles."""
    with django_db_blocker.unblock(), connected(arrange(scene, settings)) as made:
        yield made


def prepared(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with cast(Any, connection).prepared_cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def names(library: LibraryContext) -> set[str]:
    with in_library(library):
        return {row[0] for row in prepared(NAMES)}


def test_one_statement_reads_the_library_of_the_moment(wrapper: Any, scene: Scene) -> None:
    for _again in range(8):  # after five executions PostgreSQL considers a plan for all values
        for library in scene.libraries[:3]:
            assert names(library) == {library.schema_name}
    with in_library(scene.libraries[0]):
        assert rows(PREPARED) == [NAMES]  # (once on this connection, and really)


def test_the_role_is_asked_at_each_execution(wrapper: Any, scene: Scene) -> None:
    own, other = scene.libraries[:2]
    theirs = f"SELECT name FROM {own.schema_name}.{TABLE} ORDER BY id"
    with in_library(own):
        assert set(prepared(theirs)) == {(own.schema_name,)}
    with in_library(other):
        with pytest.raises(DatabaseError) as refused:
            prepared(theirs)
        assert (
            getattr(refused.value.__cause__, "sqlstate", None)
            == psycopg.errors.InsufficientPrivilege.sqlstate
        )
        assert names(other) == {other.schema_name}


def test_a_second_statement_is_refused(wrapper: Any, scene: Scene) -> None:
    with in_library(scene.libraries[0]):
        with pytest.raises(DatabaseError, match="multiple commands"):
            prepared(f"{NAMES}; RESET ROLE")
        assert names(scene.libraries[0]) == {scene.libraries[0].schema_name}


@pytest.mark.parametrize("change", ["ADD COLUMN more text", "ALTER COLUMN name TYPE varchar(300)"])
def test_a_migration_between_two_executions(wrapper: Any, scene: Scene, change: str) -> None:
    library = scene.libraries[0]
    with in_library(library):
        before = prepared(ALL)
    _alter(scene, library, change)
    try:
        with in_library(library):
            after = prepared(ALL)
            assert [row[: len(before[0])] for row in after] == before
            assert prepared(ALL) == after
            assert rows(PREPARED).count(ALL) == 1
    finally:
        _alter(scene, library, "DROP COLUMN IF EXISTS more, ALTER COLUMN name TYPE varchar(200)")


def test_a_migration_during_a_transaction(wrapper: Any, scene: Scene) -> None:
    """The transaction is lost, as with any error in it; the next request works."""
    library = scene.libraries[0]
    with in_library(library):
        before = prepared(ALL)
        _alter(scene, library, "ADD COLUMN more text")
        try:
            with pytest.raises(DatabaseError, match="result type"), transaction.atomic():
                prepared(ALL)
            assert len(prepared(ALL)[0]) == len(before[0]) + 1
        finally:
            _alter(scene, library, "DROP COLUMN more")
        assert prepared(ALL) == before


def _roll_back() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)


def _roll_back_to_a_savepoint() -> None:
    with transaction.atomic():
        rows("SELECT 1")
        _roll_back()


def _be_refused() -> None:
    with pytest.raises(DatabaseError, match="division"), transaction.atomic():
        rows("SELECT 1 / 0")


@pytest.mark.parametrize("undo", [_roll_back, _roll_back_to_a_savepoint, _be_refused])
@pytest.mark.parametrize("inside", [False, True], ids=["before", "inside"])
def test_a_rollback_leaves_the_plans(wrapper: Any, scene: Scene, undo: Any, inside: bool) -> None:
    """Else each refused write would make the next requests of the process pay for planning."""
    first, second = scene.libraries[:2]
    with in_library(first):
        if inside:
            with pytest.raises(RuntimeError), transaction.atomic():
                assert names(first) == {first.schema_name}
                raise RuntimeError
        else:
            assert names(first) == {first.schema_name}
        undo()
        assert rows(PREPARED) == [NAMES]
    for library in (second, first, second):
        assert names(library) == {library.schema_name}
    with in_library(first):
        assert rows(PREPARED) == [NAMES]


def test_a_table_that_goes_and_comes_back_as_another(wrapper: Any, scene: Scene) -> None:
    """What psycopg is afraid of. It could not be ours: the login of requests makes no tables."""
    library = scene.libraries[0]
    ask = "SELECT one FROM passing"
    table, role = sql.Identifier(library.schema_name, "passing"), sql.Identifier(library.schema_name)
    with in_library(library):
        with pytest.raises(DatabaseError, match="permission denied"):
            rows("CREATE TABLE mine (one integer)")
        for literal, found in ((1, 1), (2, 2), ("x", "x")):
            with scene.administrator() as administrator:
                administrator.execute(
                    sql.SQL("CREATE TABLE {} AS SELECT {} AS one").format(table, sql.Literal(literal))
                )
                administrator.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, role))
            try:
                with transaction.atomic():
                    rows("SELECT 1")
                    transaction.set_rollback(True)
                assert prepared(ask) == prepared(ask) == [(found,)]
            finally:
                with scene.administrator() as administrator:
                    administrator.execute(sql.SQL("DROP TABLE {}").format(table))
            with pytest.raises(DatabaseError, match="does not exist"), transaction.atomic():
                prepared(ask)
            assert names(library) == {library.schema_name}


def test_a_migration_that_many_transactions_run_into(wrapper: Any, scene: Scene) -> None:
    """The first one is lost; that the list survives its rollback must not lose those after it too."""
    library = scene.libraries[0]
    with in_library(library):
        before = prepared(ALL)
        for change in ("ADD COLUMN more text", "DROP COLUMN more"):
            _alter(scene, library, change)
            with pytest.raises(DatabaseError, match="result type"), transaction.atomic():
                prepared(ALL)
            for _again in range(3):
                with transaction.atomic():
                    assert len(prepared(ALL)) == len(before)
        assert prepared(ALL) == before


def test_a_server_that_has_forgotten_the_statement(wrapper: Any, scene: Scene) -> None:
    library = scene.libraries[0]
    assert names(library) == {library.schema_name}
    wrapper.connection.pgconn.exec_(b"DEALLOCATE ALL")  # behind the driver's back
    assert names(library) == {library.schema_name}
    with in_library(library):
        for command in ("DISCARD ALL", "DEALLOCATE ALL"):
            rows_of = wrapper.cursor()
            rows_of.execute(command)
            rows_of.close()
            assert names(library) == {library.schema_name}
            wrapper.connection.pgconn.exec_(b"DEALLOCATE ALL")
            with pytest.raises(DatabaseError, match="does not exist"), transaction.atomic():
                prepared(NAMES)
            with transaction.atomic():
                assert {row[0] for row in prepared(NAMES)} == {library.schema_name}


def test_a_connection_keeps_a_bounded_number(
    wrapper: Any, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper.ensure_connection()
    assert wrapper.connection.prepared_max == base.MOST_PREPARED
    wrapper.connection.prepared_max = 5
    with in_library(scene.libraries[0]):
        for number in range(20):
            assert prepared(f"SELECT {number}") == [(number,)]
        assert len(rows(PREPARED)) == 5
        assert prepared("SELECT 0") == [(0,)]


def test_nothing_else_is_prepared(wrapper: Any, scene: Scene) -> None:
    with in_library(scene.libraries[0]):
        for _again in range(10):
            rows(f"SELECT name FROM {TABLE} WHERE version >= %s", [1])
        assert rows(PREPARED) == []


def test_statements_are_seen_and_wrapped_like_all_others(wrapper: Any, scene: Scene) -> None:
    seen = []

    def watch(execute: Any, statement: str, *rest: Any) -> Any:
        seen.append(statement)
        return execute(statement, *rest)

    with (
        in_library(scene.libraries[0]),
        CaptureQueriesContext(wrapper) as queries,
        wrapper.execute_wrapper(watch),
    ):
        prepared(f"SELECT name FROM {TABLE} WHERE version >= %s::bigint", ["1"])
    assert len(queries) == len(seen) == 1
    assert TABLE in queries[0]["sql"]


def test_parameters_are_values_and_nothing_else(wrapper: Any, scene: Scene) -> None:
    text = "'; RESET ROLE; SELECT %s -- \\ \" 😀"
    with in_library(scene.libraries[0]):
        assert prepared("SELECT %s::text", [text]) == [(text,)]


def _alter(scene: Scene, library: LibraryContext, change: str) -> None:
    with scene.administrator() as administrator:
        table = sql.Identifier(library.schema_name, TABLE)
        administrator.execute(sql.SQL("ALTER TABLE {} {}").format(table, sql.SQL(cast(Any, change))))
