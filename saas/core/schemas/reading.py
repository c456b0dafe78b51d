"""How the catalogue is read, so that what it prints depends on nothing but the schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import ClientCursor, sql

from saas.core.db.switching import EXTENSIONS

# PostgreSQL leaves out the names of the schemas on the path where it prints a definition. The others decide how values
# are written as text: these forms are read back alike under every setting.
_SETTINGS = """
    SET LOCAL search_path = {path};
    SET LOCAL timezone = 'UTC';
    SET LOCAL datestyle = 'ISO, YMD';
    SET LOCAL intervalstyle = 'postgres';
    SET LOCAL extra_float_digits = 1;
    SET LOCAL bytea_output = 'hex'
"""


def path_of(schema: str) -> sql.Composed:
    """The search path under which a schema is read and written: itself, then the extensions."""
    return sql.SQL(", ").join([sql.Identifier(schema), sql.Identifier(EXTENSIONS)])


@contextmanager
def reading(cursor: Any, schema: str) -> Iterator[Any]:
    """A plain psycopg cursor that sees `schema` and `extensions` alone; the caller's settings come back at the end.

    Plain, because Django's goes back to its library with each statement (saas.core.db.cursors). Rolling back is what
    brings the settings back, inside the caller's transaction (a savepoint) and outside of one alike.
    """
    connection = cursor.connection
    with connection.transaction(force_rollback=True), ClientCursor(connection) as reader:
        reader.execute(sql.SQL(_SETTINGS).format(path=path_of(schema)))
        yield reader
