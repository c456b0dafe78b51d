"""The rows of a few small tables, as INSERT statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import sql

from saas.core.schemas.errors import UnknownObject
from saas.core.schemas.objects import Objects, Table
from saas.core.schemas.quoting import literal, name


def rows_of_tables(reader: Any, objects: Objects, tables: Sequence[str]) -> list[str]:
    """Statements that insert the rows of `tables`, in the order of the primary key, and move their sequences past them.

    Every value is written as the text that its type prints, which its type reads back.
    """
    statements: list[str] = []
    for table_name in tables:
        if (table := objects.tables.get(table_name)) is None:
            raise UnknownObject("table without columns to copy", table_name)
        statements += _insert(reader, table)
        statements += _advance(reader, table, objects)
    return statements


def _insert(reader: Any, table: Table) -> Iterator[str]:
    columns = [column for column, details in table.columns_in_order() if not details["attgenerated"]]
    # Quoted by the server: %L is what the type's output function prints, whatever the type.
    values = sql.SQL(" || ', ' || ").join(
        sql.SQL("format('%L', {})").format(sql.Identifier(c)) for c in columns
    )
    key = sql.SQL(", ").join(map(sql.Identifier, _key(table)))
    order = key if _key(table) else sql.SQL('({}) COLLATE "C"').format(values)
    table_name = sql.Identifier(table.name)
    reader.execute(
        sql.SQL("SELECT '(' || {} || ')' FROM ONLY {} ORDER BY {}").format(values, table_name, order)
    )
    if rows := [row for (row,) in reader.fetchall()]:
        into = f"{name(table.name)} ({', '.join(map(name, columns))})"
        yield f"INSERT INTO {into} OVERRIDING SYSTEM VALUE VALUES\n" + ",\n".join(rows)


def _key(table: Table) -> list[str]:
    for details in table.constraints.values():
        if details["contype"] == "p":
            return list(details["columns"])
    return []


def _advance(reader: Any, table: Table, objects: Objects) -> Iterator[str]:
    """Set each sequence of the table where the original stands, or past the rows where these are further."""
    for sequence, details in objects.sequences.items():
        if not details["owned_by"] or details["owned_by"][0] != table.name:
            continue
        upwards = details["seqincrement"] > 0
        reader.execute(
            sql.SQL(
                "SELECT {furthest}(CASE WHEN is_called THEN last_value END, (SELECT {edge}({column}) FROM {table}))"
                " FROM {sequence}"
            ).format(
                furthest=sql.SQL("greatest" if upwards else "least"),
                edge=sql.SQL("max" if upwards else "min"),
                column=sql.Identifier(details["owned_by"][1]),
                table=sql.Identifier(table.name),
                sequence=sql.Identifier(sequence),
            )
        )
        if (value := reader.fetchone()[0]) is not None:
            yield f"SELECT setval({literal(name(sequence))}, {value})"
