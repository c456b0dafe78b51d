"""Rows as they go out and in: in one order, in one spelling, whatever the server is set to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from saas.core.db.owner import OWNER, owner_connection
from shared_apps.tenants.archive import tables
from shared_apps.tenants.archive.manifest import SequenceState

TABLES = """
    CREATE SCHEMA archive_scratch;
    SET LOCAL search_path TO archive_scratch;
    CREATE TABLE composite (b text, a integer, twice integer GENERATED ALWAYS AS (a * 2) STORED, PRIMARY KEY (a, b));
    INSERT INTO composite VALUES ('b', 2), ('a', 2), ('Z', 1), ('z', 1), ('ä', 1);
    CREATE TABLE keyless (a integer, b text);
    INSERT INTO keyless VALUES (2, 'x'), (10, NULL), (2, 'a'), (NULL, E'\\t\\n\\\\');
    CREATE TABLE kinds (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, day date, f double precision,
        n numeric, raw bytea, doc jsonb, span interval, list text[], yes boolean
    );
    INSERT INTO kinds (at, day, f, n, raw, doc, span, list, yes) VALUES (
        '2026-03-29 02:30:00.123456+02', '2026-02-03', 0.1::double precision + 0.2, 1.10, '\\x00ff', '{"b": 1, "a": [null]}',
        '1 mon 2 days 03:04:05.6', ARRAY['a', NULL, '"'], true
    );
    CREATE SEQUENCE alone START 5;
"""


@pytest.fixture
def cursor(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """In a transaction that is rolled back, under settings that print everything otherwise."""
    with django_db_blocker.unblock(), owner_connection() as wrapper, transaction.atomic(using=OWNER):
        with wrapper.cursor() as cursor:
            cursor.execute(TABLES)
            for setting in (
                "TimeZone TO 'Asia/Kolkata'",
                "DateStyle TO 'German'",
                "bytea_output TO 'escape'",
            ):
                cursor.execute(f"SET LOCAL {setting}")
            cursor.execute("SET LOCAL extra_float_digits TO -10")
            cursor.execute("SET LOCAL IntervalStyle TO 'iso_8601'")
            yield cursor
        transaction.set_rollback(True, using=OWNER)


def rows_of(cursor: Any, name: str) -> str:
    shape = next(each for each in tables.table_shapes(cursor, "archive_scratch") if each.name == name)
    return b"".join(tables.copy_out(cursor, "archive_scratch", shape)).decode()


def test_shapes_leave_out_what_is_computed(cursor: Any) -> None:
    shapes = {shape.name: shape for shape in tables.table_shapes(cursor, "archive_scratch")}
    assert list(shapes) == ["composite", "keyless", "kinds"]
    assert shapes["composite"].columns == ("b", "a")
    assert shapes["composite"].key == (("a", False), ("b", True))
    assert shapes["keyless"].key == ()
    assert tables.sequence_names(cursor, "archive_scratch") == ("alone", "kinds_id_seq")


def test_rows_come_by_their_key_and_text_by_its_bytes(cursor: Any) -> None:
    assert rows_of(cursor, "composite") == "Z\t1\nz\t1\nä\t1\na\t2\nb\t2\n"
    assert rows_of(cursor, "keyless") == "10\t\\N\n2\ta\n2\tx\n\\N\t\\t\\n\\\\\n"


def test_text_is_ordered_by_its_bytes_whatever_the_collation() -> None:
    """The servers of the tests sort by bytes anyway, so it is the statement that is looked at."""
    sent: list[str] = []

    class Recorder:
        @contextmanager
        def copy(self, query: Any) -> Iterator[list[bytes]]:
            sent.append(query.as_string(None))
            yield []

    for key in ((("a", False), ("b", True)), ()):
        list(tables.copy_out(Recorder(), "lib_x", tables.TableShape("t", ("a", "b"), key)))
    assert sent == [
        'COPY (SELECT "a", "b" FROM "lib_x"."t" ORDER BY "a", "b" COLLATE "C") TO STDOUT',
        'COPY (SELECT "a", "b" FROM "lib_x"."t" ORDER BY "a"::text COLLATE "C", "b"::text COLLATE "C") TO STDOUT',
    ]


def test_values_are_spelled_the_same_on_every_server(cursor: Any) -> None:
    strange = rows_of(cursor, "kinds")
    tables.apply_settings(cursor)
    plain = rows_of(cursor, "kinds")
    assert plain != strange
    assert plain == (
        "1\t2026-03-29 00:30:00.123456+00\t2026-02-03\t0.30000000000000004\t1.10\t\\\\x00ff\t"
        '{"a": [null], "b": 1}\t1 mon 2 days 03:04:05.6\t{a,NULL,"\\\\""}\tt\n'
    )


def test_what_goes_out_comes_in(cursor: Any) -> None:
    tables.apply_settings(cursor)
    for name in ("composite", "keyless", "kinds"):
        rows = rows_of(cursor, name)
        columns = next(s for s in tables.table_shapes(cursor, "archive_scratch") if s.name == name).columns
        tables.empty(cursor, "archive_scratch", [name])
        loaded = tables.copy_in(
            cursor, "archive_scratch", name, columns, [rows.encode()[:9], rows.encode()[9:]]
        )
        assert loaded == rows.count("\n")
        assert rows_of(cursor, name) == rows


@pytest.mark.parametrize("state", [SequenceState("alone", 5, False), SequenceState("alone", 2**62, True)])
def test_sequences_go_on_where_they_were(cursor: Any, state: SequenceState) -> None:
    assert tables.read_sequence(cursor, "archive_scratch", "alone") == SequenceState("alone", 5, False)
    tables.set_sequence(cursor, "archive_scratch", state)
    assert tables.read_sequence(cursor, "archive_scratch", "alone") == state
    cursor.execute("SELECT nextval('archive_scratch.alone')")
    assert cursor.fetchone() == (state.last_value + state.is_called,)
