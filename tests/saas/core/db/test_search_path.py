"""The search path follows the library through everything that changes it behind Django's back."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError, ProgrammingError
from django.test.utils import CaptureQueriesContext

from saas.core.db.switching import Switch, switch_to
from saas.core.tenancy import SwitchInTransaction, current_schema, in_library, in_public


def path() -> str:
    """The path as the server sees it, read through a cursor as every query is."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0])


@pytest.fixture
def switches(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was sent to switch a session, in order."""
    sent: list[bytes] = []

    class Recording:
        def __init__(self, pgconn: Any) -> None:
            self._pgconn = pgconn

        def exec_(self, command: bytes) -> Any:
            sent.append(command)
            return self._pgconn.exec_(command)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._pgconn, name)

    enter = Switch.enter
    monkeypatch.setattr(Switch, "enter", lambda self, pgconn: enter(self, Recording(pgconn)))
    return sent


def reports_its_path() -> bool:
    """PostgreSQL 18 and newer; on others each statement carries its switch (tests/hazards)."""
    connection.ensure_connection()
    return not connections["default"].carries_switch  # type: ignore[attr-defined]


def test_a_library_path_is_its_schema_and_extensions_never_public(north: Any) -> None:
    assert path() == "public, extensions"
    with in_library(north):
        assert path() == "lib_north, extensions"


def test_the_path_is_sent_once_for_many_queries(north: Any, switches: list[bytes]) -> None:
    with in_library(north):
        for _ in range(5):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
    if reports_its_path():
        assert switches == [b"SET ROLE lib_north; SET search_path TO lib_north, extensions"]


def test_a_cursor_opened_in_one_library_reads_the_one_that_is_current(north: Any, south: Any) -> None:
    with in_library(north), connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        with in_library(south):
            path()
        cursor.execute("SHOW search_path")
        assert cursor.fetchone()[0] == "lib_north, extensions"
        with in_library(south):
            cursor.execute("SHOW search_path")
            assert cursor.fetchone()[0] == "lib_south, extensions"


def test_nested_switches_come_back(north: Any, south: Any) -> None:
    with in_library(north):
        with in_library(south):
            assert path() == "lib_south, extensions"
            with in_public():
                assert path() == "public, extensions"
            assert path() == "lib_south, extensions"
        assert path() == "lib_north, extensions"
    assert path() == "public, extensions"


def test_after_an_error_inside_the_block_the_schema_before_is_back(north: Any) -> None:
    with contextlib.suppress(ZeroDivisionError), in_library(north):
        _ = 1 / 0
    assert current_schema() == "public"
    assert path() == "public, extensions"


def test_rollback_to_a_savepoint_undoes_the_set_and_the_next_query_mends_it(north: Any, south: Any) -> None:
    with in_library(north):
        assert path() == "lib_north, extensions"
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            with in_library(south, same_transaction=True):
                assert path() == "lib_south, extensions"
                _ = 1 / 0
        assert path() == "lib_north, extensions"


def test_no_switch_inside_an_open_transaction(north: Any, south: Any) -> None:
    with in_library(north), transaction.atomic():
        for switch in (lambda: in_library(south), in_public):
            with pytest.raises(SwitchInTransaction, match="lib_north is open"), switch():
                raise AssertionError("switched")
        with in_library(north):  # staying is no switch
            assert path() == "lib_north, extensions"


def test_a_switch_made_inside_a_savepoint_that_rolls_back_is_made_again(north: Any) -> None:
    with in_library(north):
        try:
            with transaction.atomic():
                path()
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        assert path() == "lib_north, extensions"


def test_rollback_of_a_whole_transaction(committed_library: Any) -> None:
    with in_library(committed_library):
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            assert path() == "lib_east, extensions"
            _ = 1 / 0
        assert path() == "lib_east, extensions"
    assert path() == "public, extensions"


def test_a_raw_set_is_noticed_and_mended(north: Any) -> None:
    with in_library(north):
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = lib_south")
        assert path() == "lib_north, extensions"


def test_a_new_connection_is_set_before_its_first_query(committed_library: Any) -> None:
    with in_library(committed_library):
        path()
        connection.close()
        assert path() == "lib_east, extensions"


def test_where_nobody_reports_the_path_each_statement_carries_it(
    north: Any, switches: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connections["default"], "carries_switch", True)
    with in_library(north), CaptureQueriesContext(connection) as queries:
        assert path() == "lib_north, extensions"
        connection.connection.execute("SET search_path = lib_south")
        assert path() == "lib_north, extensions"
    assert switches == []
    assert len(queries) == 2, "the switch is no statement of its own"


def test_the_schema_is_noted_on_the_connection_and_not_where_all_threads_look(north: Any) -> None:
    with in_library(north):
        assert connection.schema_name == "lib_north"  # type: ignore[attr-defined]
        assert "lib_north" not in map(str, connection.settings_dict.values())


def test_where_the_path_cannot_be_set_nothing_is_read(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = connections["default"]
    with in_library(committed_library):
        nobody = switch_to(committed_library.schema_name, "lib_nobody")
        monkeypatch.setattr(wrapper, "_switch", nobody)
        with pytest.raises(DatabaseError, match="lib_nobody"):
            path()
        monkeypatch.undo()
        assert path() == "lib_east, extensions"


def test_a_failed_transaction_can_be_left_in_another_library(north: Any, south: Any) -> None:
    with in_library(north):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            connection.set_tenant(south)  # type: ignore[attr-defined]
            cursor.execute("SELECT * FROM nothing_like_it")
        assert path() == "lib_south, extensions"
    assert path() == "public, extensions"


def test_a_missing_table_is_an_error_and_never_the_public_row(north: Any) -> None:
    with (
        in_library(north),
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM tenants_library")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenants_library")
        assert cursor.fetchone()[0] >= 2


def test_a_dropped_table_of_both_schemas_does_not_fall_through(north: Any) -> None:
    from shared_apps.accounts.models import User

    with in_library(north):
        assert User.objects.count() == 3
        with pytest.raises(ProgrammingError), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE accounts_user CASCADE")
            User.objects.count()
        assert User.objects.count() == 3


def test_a_server_side_cursor_reads_its_own_library(north: Any, south: Any) -> None:
    from shared_apps.accounts.models import User

    with in_library(north):
        addresses = [user.email for user in User.objects.order_by("id").iterator(chunk_size=1)]
    assert addresses
    assert all(address.endswith("@north.example") for address in addresses)


def test_introspection_lists_the_schema_and_nothing_else(north: Any) -> None:
    with in_library(north):
        tables = set(connection.introspection.table_names())
    assert "catalog_title" in tables
    assert "tenants_library" not in tables
    with in_public():
        public = set(connection.introspection.table_names())
    assert "tenants_library" in public
    assert "catalog_title" not in public
