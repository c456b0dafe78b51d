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


def prepare_database(cursor: Any) -> None:
    """Give a database the rights that everything else here builds on. May run twice; nothing is taken from the owner.

    `public` belongs to the owner and to the login of requests, not to everybody; `extensions` is readable for all.
    Nobody but the owner makes temporary tables: on a connection that is kept, one would stand before the table of its
    name in every library.
    EXECUTE on set_config() is taken from PUBLIC, because with it a mere SELECT could switch the library: only the
    owner of that function (a superuser) can do so, and `check --deploy` tells where it was not done. The cursor is
    the owner's, before the first migration.
    """
    cursor.execute("CREATE SCHEMA IF NOT EXISTS extensions")
    cursor.execute("GRANT USAGE ON SCHEMA extensions TO PUBLIC")
    cursor.execute("SELECT current_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user")
    owner, is_superuser = cursor.fetchone()
    cursor.execute(
        "SELECT d, pg_catalog.has_database_privilege('public', d, 'TEMPORARY') FROM pg_catalog.current_database() d"
    )
    database, is_open = cursor.fetchone()
    if is_open:
        cursor.execute(
            sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
        )
    if is_superuser:
        cursor.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        cursor.execute(f"REVOKE EXECUTE ON FUNCTION {_SET_CONFIG} FROM PUBLIC")
    login = login_of_requests()
    if login and login != owner:
        for statement in (*_GRANTS, *_GRANTS_ON_WHAT_IS_THERE):
            cursor.execute(
                sql.SQL(statement).format(schema=sql.Identifier("public"), grantee=sql.Identifier(login))
            )


def select_can_switch(cursor: Any) -> bool:
    """Whether any role may call set_config(), so that an injected SELECT could change role and path."""
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_proc p,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.oid = %s::regprocedure AND a.grantee = 0 AND a.privilege_type = 'EXECUTE')",
        [_SET_CONFIG],
    )
    return bool(cursor.fetchone()[0])


def login_inherits(cursor: Any) -> bool:
    """Whether the cursor's login has the rights of libraries without becoming one: of all (superuser) or of some."""
    cursor.execute(
        "SELECT rolsuper OR rolinherit OR EXISTS ("
        " SELECT 1 FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_namespace n ON n.nspname = r.rolname"
        " WHERE pg_has_role(session_user, r.oid, 'USAGE'))"
        " FROM pg_catalog.pg_roles WHERE rolname = session_user"
    )
    return bool(cursor.fetchone()[0])


def make_role(cursor: Any, schema: str) -> None:
    """Make the role of a library's schema, unless it is there; a role belongs to the server, not to one database.

    The cursor is the owner's. Nothing happens where roles are off.
    """
    if not roles_are_on():
        return
    cursor.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [schema])
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(schema)))
    grant = "GRANT {} TO {}"
    if cursor.connection.info.server_version >= _MEMBERSHIPS_INHERIT:
        # Else the grant keeps for ever whether the login was NOINHERIT when it was given.
        grant += " WITH INHERIT FALSE"
    for member in _logins():
        cursor.execute(sql.SQL(grant).format(sql.Identifier(schema), sql.Identifier(member)))


def grant_schema(cursor: Any, schema: str, *, is_filled: bool = False) -> None:
    """Give the library's role (requests' login, where roles are off) its rights in a schema that is still empty.

    Default privileges: what the owner makes there from now on, migrations included, is granted as it is made, which
    costs less than granting afterwards, as is done too where it `is_filled`. The cursor is the owner's.
    """
    grantee = schema if roles_are_on() else login_of_requests()
    if not grantee:
        return
    names = {"schema": sql.Identifier(schema), "grantee": sql.Identifier(grantee)}
    for statement in (*_GRANTS, *(_GRANTS_ON_WHAT_IS_THERE if is_filled else ())):
        cursor.execute(sql.SQL(statement).format(**names))


def drop_role(cursor: Any, schema: str) -> None:
    """Drop the role of a library whose schema is gone; nothing happens where there is none.

    A role on which another database of the server still depends (a copy of this one) is kept. The cursor is the
    owner's and outside of a transaction, or in one of its own.
    """
    cursor.execute("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %s", [schema])
    if cursor.fetchone() is None:
        return
    _drop_large_objects(cursor, schema)
    if _is_needed_elsewhere(cursor, schema):
        return
    cursor.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(schema)))


_GRANTS = (
    "GRANT USAGE ON SCHEMA {schema} TO {grantee}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {grantee}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {grantee}",
)


_GRANTS_ON_WHAT_IS_THERE = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {grantee}",
    "GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {grantee}",
)
# PostgreSQL 16: each membership says for itself whether it inherits; before, the member does, for all of its own.
_MEMBERSHIPS_INHERIT = 160000
_SET_CONFIG = "pg_catalog.set_config(text, text, boolean)"


def _logins() -> list[str]:
    """Who must be able to become a library: requests' login and the owner (tests, imports), each once."""
    names = [login_of_requests(), str(settings.DATABASES[OWNER]["USER"])]
    return [name for name in dict.fromkeys(names) if name]


def _drop_large_objects(cursor: Any, role: str) -> None:
    """Drop those that a role owns: we make none, but an injected SELECT can, and they would keep the role for ever."""
    owned = "FROM pg_catalog.pg_largeobject_metadata WHERE lomowner = {name}::pg_catalog.regrole"
    cursor.execute(sql.SQL(f"SELECT 1 {owned} LIMIT 1").format(name=sql.Literal(role)))
    if cursor.fetchone() is None:
        return
    # An owner who is no superuser may not touch them but as that role. One statement, so that the role ends with it.
    statement = f"BEGIN SET LOCAL ROLE {{role}}; PERFORM pg_catalog.lo_unlink(oid) {owned}; RESET ROLE; END"
    block = sql.SQL(statement).format(role=sql.Identifier(role), name=sql.Literal(role))
    cursor.execute(sql.SQL("DO {}").format(sql.Literal(block.as_string(None))))


def _is_needed_elsewhere(cursor: Any, role: str) -> bool:
    cursor.execute(
        "SELECT 1 FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid"
        " WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND r.rolname = %s LIMIT 1",
        [role],
    )
    return cursor.fetchone() is not None
