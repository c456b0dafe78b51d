"""The tables and sequences of a library's schema, as they go out of it and into it.

Rows travel in PostgreSQL's COPY text form under fixed settings, so that the same rows are the same bytes on every
server. The settings concern how values are printed and read, and how long statements may take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from shared_apps.tenants.archive.manifest import SequenceState

# Who is signed in, which refresh tokens are spent, which codes are on their way: true at the place where they were
# made, and nowhere else.
LEFT_OUT = frozenset(
    {
        "accounts_mailedcode",
        "accounts_usersession",
        "django_session",
        "token_blacklist_blacklistedtoken",
        "token_blacklist_outstandingtoken",
    }
)
SETTINGS = (
    "SET LOCAL TimeZone TO 'UTC'",
    "SET LOCAL DateStyle TO 'ISO, YMD'",
    "SET LOCAL IntervalStyle TO 'postgres'",
    "SET LOCAL extra_float_digits TO 1",
    "SET LOCAL bytea_output TO 'hex'",
    "SET LOCAL client_encoding TO 'UTF8'",
    "SET LOCAL statement_timeout TO 0",
    "SET LOCAL idle_in_transaction_session_timeout TO 0",
)
# Generated columns are computed again; the rest in the order in which they were made. Whole columns of the primary key
# only, with the byte order for text: a collation sorts differently on another machine.
_TABLES = """
    SELECT c.relname,
           array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
           array_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum))
               FILTER (WHERE a.attnum = ANY (i.indkey)),
           array_agg(a.attcollation <> 0 ORDER BY array_position(i.indkey::int2[], a.attnum))
               FILTER (WHERE a.attnum = ANY (i.indkey))
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE "C"
"""
_SEQUENCES = """
    SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'S' ORDER BY c.relname COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table's columns without generated ones, and its primary key as (column, whether it has a collation)."""

    name: str
    columns: tuple[str, ...]
    key: tuple[tuple[str, bool], ...]


def table_shapes(cursor: Any, schema: str) -> tuple[TableShape, ...]:
    """Every table of a schema, by name."""
    cursor.execute(_TABLES, [schema])
    return tuple(
        TableShape(name, tuple(columns or ()), tuple(zip(key or (), collated or (), strict=True)))
        for name, columns, key, collated in cursor.fetchall()
    )


def sequence_names(cursor: Any, schema: str) -> tuple[str, ...]:
    """Every sequence of a schema, by name."""
    cursor.execute(_SEQUENCES, [schema])
    return tuple(name for (name,) in cursor.fetchall())


def apply_settings(cursor: Any) -> None:
    """Put the current transaction under SETTINGS."""
    for statement in SETTINGS:
        cursor.execute(statement)


def lock_against_changes(cursor: Any, schema: str, tables: Iterable[str]) -> None:
    """Keep migrations away until the transaction ends: a rewritten table would look empty to an older snapshot.

    Reading and writing of rows go on. Send it before the first query of the transaction.
    """
    names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
    cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def copy_out(cursor: Any, schema: str, table: TableShape) -> Iterator[bytes]:
    """The rows of a table, one COPY line each, in the order of its primary key (of all columns where it has none)."""
    if table.key:
        order = [
            sql.SQL('{} COLLATE "C"' if collated else "{}").format(sql.Identifier(name))
            for name, collated in table.key
        ]
    else:
        order = [sql.SQL('{}::text COLLATE "C"').format(sql.Identifier(name)) for name in table.columns]
    query = sql.SQL("COPY (SELECT {columns} FROM {table} ORDER BY {order}) TO STDOUT").format(
        columns=_names(table.columns),
        table=sql.Identifier(schema, table.name),
        order=sql.SQL(", ").join(order),
    )
    with cursor.copy(query) as rows:
        yield from rows


def copy_in(cursor: Any, schema: str, table: str, columns: Iterable[str], blocks: Iterable[bytes]) -> int:
    """Write rows into a table; how many they were. What `blocks` raises breaks the COPY off."""
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(schema, table), _names(columns))
    with cursor.copy(query) as rows:
        for block in blocks:
            rows.write(block)
    return int(cursor.rowcount)


def read_sequence(cursor: Any, schema: str, name: str) -> SequenceState:
    """The state of a sequence."""
    cursor.execute(sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name)))
    last_value, is_called = cursor.fetchone()
    return SequenceState(name, last_value, is_called)


def set_sequence(cursor: Any, schema: str, state: SequenceState) -> None:
    """Put a sequence into a state."""
    name = sql.Identifier(schema, state.name).as_string(None)
    cursor.execute("SELECT setval(%s::regclass, %s, %s)", [name, state.last_value, state.is_called])


def empty(cursor: Any, schema: str, tables: Iterable[str]) -> None:
    """Empty tables of a schema that the same transaction has made: what migrations wrote is in the archive too."""
    names = sql.SQL(", ").join(sql.Identifier(schema, name) for name in tables)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(sql.SQL("TRUNCATE {}").format(names))


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in columns)
