"""One PostgreSQL role per library, named as its schema: the database itself refuses a neighbour's row.

A library's role may use its own schema and `extensions`, nothing else. It has LOGIN and no password (scale.md, rule
7). The login of requests is a member of it without inheriting its rights: outside of a library it may do nothing in
any library's schema, and inside one it has that library's rights alone. The role is a net against our own bugs and
against SQL injected into a statement of ours, not a wall against whoever controls whole statements: such a caller can
send SET ROLE itself (docs/adr/0012).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from psycopg import sql

from saas.core.db.owner import OWNER


def roles_are_on() -> bool:
    """Whether libraries have roles (setting LIBRARY_ROLES; off where the host lets no one make roles)."""
    return bool(settings.LIBRARY_ROLES)


def login_of_requests() -> str:
    """Name of the role that the connection "default" logs in as; "" where the settings leave it to libpq."""
    return str(settings.DATABASES["default"]["USER"])


def make_role(cursor: Any, schema: str) -> None:
    """Make the role of a library's schema, unless it is there; a role belongs to the server, not to one database.

    The cursor is the owner's. Nothing happens where roles are off.
    """
    if not roles_are_on():
        return
    cursor.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [schema])
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(schema)))
    for member in _logins():
        cursor.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(schema), sql.Identifier(member)))


def grant_schema(cursor: Any, schema: str) -> None:
    """Give the library's role (requests' login, where roles are off) its rights in a schema that is still empty.

    Default privileges: what the owner makes there from now on, migrations included, is granted as it is made, which
    costs less than granting afterwards. The cursor is the owner's.
    """
    grantee = schema if roles_are_on() else login_of_requests()
    if not grantee:
        return
    names = {"schema": sql.Identifier(schema), "grantee": sql.Identifier(grantee)}
    for statement in _GRANTS:
        cursor.execute(sql.SQL(statement).format(**names))


def drop_role(cursor: Any, schema: str) -> None:
    """Drop the role of a library whose schema is gone; nothing happens where there is none.

    A role on which another database of the server still depends (a copy of this one) is kept. The cursor is the
    owner's and outside of a transaction, or in one of its own.
    """
    cursor.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [schema])
    if cursor.fetchone() is None or _is_needed_elsewhere(cursor, schema):
        return
    cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(schema)))


_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {grantee}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {grantee}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {grantee}",
)


def _logins() -> list[str]:
    """Who must be able to become a library: requests' login and the owner (tests, imports), each once."""
    names = [login_of_requests(), str(settings.DATABASES[OWNER]["USER"])]
    return [name for name in dict.fromkeys(names) if name]


def _is_needed_elsewhere(cursor: Any, role: str) -> bool:
    cursor.execute(
        "SELECT 1 FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid"
        " WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND r.rolname = %s LIMIT 1",
        [role],
    )
    return cursor.fetchone() is not None
