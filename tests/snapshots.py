"""What a schema holds, as one number per table: equal before and after means that nothing was changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection
from psycopg import sql

from saas.core.db.owner import SchemaTarget

# The log of attacks: a refusal that left no row there would be the fault.
WRITTEN_BY_REFUSALS = {"security_securityevent"}
Snapshot = dict[str, tuple[int, str]]
_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1
"""


def snapshot(*schemas: str, leave_out: Iterable[str] = ()) -> Snapshot:
    """Number of rows and a digest of every row, by `schema.table`; `leave_out` are table names.

    Rows are digested as text, every column of them, in an order that depends on nothing but their contents.
    """
    skipped = {*leave_out, *WRITTEN_BY_REFUSALS}
    found: Snapshot = {}
    for schema in schemas:
        with _inside(schema), connection.cursor() as cursor:
            cursor.execute(_TABLES, [schema])
            tables = [name for (name,) in cursor.fetchall() if name not in skipped]
            assert tables, f"there is no schema {schema}"
            cursor.execute(sql.SQL(" UNION ALL ").join(_digest(schema, table) for table in tables))
            found |= {f"{schema}.{table}": (count, digest) for table, count, digest in cursor.fetchall()}
    return found


@contextmanager
def _inside(schema: str) -> Iterator[None]:
    """In the schema, whatever transaction is open: its role alone may read it."""
    wrapper = cast(Any, connection)
    before = wrapper.tenant
    wrapper.set_tenant(SchemaTarget(schema))
    try:
        yield
    finally:
        wrapper.set_tenant(before)


def _digest(schema: str, table: str) -> sql.Composed:
    return sql.SQL(
        "SELECT {name}, count(*), md5(coalesce(string_agg(row, '' ORDER BY row), ''))"
        " FROM (SELECT md5(t::text) AS row FROM {table} t) rows"
    ).format(name=sql.Literal(table), table=sql.Identifier(schema, table))


def differences(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    """Tables that changed, with their numbers of rows before and after; empty where nothing did."""
    names = before.keys() | after.keys()
    return {
        name: (before.get(name, (None,))[0], after.get(name, (None,))[0])
        for name in sorted(names)
        if before.get(name) != after.get(name)
    }
