"""Making a schema's objects from a script."""

from __future__ import annotations

from typing import Any

from psycopg import ClientCursor, sql

from saas.core.schemas.reading import path_of


def replay(connection: Any, script: str, schema: str) -> None:
    """Run a script of `write_script` in `schema`, which is there and empty, in one round trip.

    `connection` is a Django connection of the schemas' owner. In a transaction of the caller's, the search path stays
    the schema's until it ends; without one the script is a transaction by itself. Raises the error of the statement
    that fails; nothing of the script is left then, once the transaction is rolled back.
    """
    connection.ensure_connection()
    raw = connection.connection
    path = sql.SQL("SET LOCAL search_path = {};\n").format(path_of(schema)).as_string(raw)
    # Without parameters psycopg sends the text as it is, by the simple protocol, which takes many statements at once.
    with connection.wrap_database_errors, ClientCursor(raw) as cursor:
        cursor.execute((path + script).encode())
