"""Introspection of one schema.

Django asks `pg_table_is_visible()` about every relation of every schema: with a thousand libraries that is over a
second (tenancy.md). Asking for the relations of the current schema by `relnamespace` costs the same in a fleet of one
and of thousands. It also keeps the search path as it is, where django-tenants changes it twice for each question.
"""

from __future__ import annotations

from typing import Any, cast

from django.db.backends.postgresql.introspection import DatabaseIntrospection, TableInfo

_TABLES = """
    SELECT c.relname,
           CASE WHEN c.relispartition THEN 'p' WHEN c.relkind IN ('m', 'v') THEN 'v' ELSE 't' END,
           obj_description(c.oid, 'pg_class')
    FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('f', 'm', 'p', 'r', 'v')
      AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
"""


class SchemaIntrospection(DatabaseIntrospection):
    """Tables of the connection's schema alone; columns and constraints follow its search path, so they are too."""

    def get_table_list(self, cursor: Any) -> list[Any]:
        cursor.execute(_TABLES, [cast(Any, self.connection).schema_name])
        return [TableInfo(*row) for row in cursor.fetchall() if row[0] not in self.ignored_tables]
