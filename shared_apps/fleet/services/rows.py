"""The rows that a migration writes beside its tables: what it has recorded, content types, permissions.

Content types and permissions get the ids that they have in a schema made at the release, so that ids mean the same in
every library: an archive, a clone or a report never has to translate them. Like Django, nothing here removes the
content type of a model that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

COPIED_TABLES = ("django_migrations", "django_content_type", "auth_permission")

_READ = """
    SELECT 'm', 0, app, name, '', '' FROM {schema}.django_migrations
    UNION ALL SELECT 'c', id, app_label, model, '', '' FROM {schema}.django_content_type
    UNION ALL SELECT 'p', p.id, c.app_label, c.model, p.codename, p.name
    FROM {schema}.auth_permission p JOIN {schema}.django_content_type c ON c.id = p.content_type_id
"""
_INSERT_CONTENT_TYPES = """
INSERT INTO django_content_type (id, app_label, model)
SELECT v.id, v.app_label, v.model FROM (VALUES {values}) v (id, app_label, model)
WHERE NOT EXISTS (
    SELECT 1 FROM django_content_type c WHERE c.app_label = v.app_label AND c.model = v.model)
"""
_RENAME_CONTENT_TYPE = """
UPDATE django_content_type SET model = {new} WHERE app_label = {app_label} AND model = {old}
AND NOT EXISTS (SELECT 1 FROM django_content_type c WHERE c.app_label = {app_label} AND c.model = {new})
"""
_INSERT_PERMISSIONS = """
INSERT INTO auth_permission (id, content_type_id, codename, name)
SELECT v.id, c.id, v.codename, v.name
FROM (VALUES {values}) v (id, app_label, model, codename, name)
JOIN django_content_type c ON c.app_label = v.app_label AND c.model = v.model
WHERE NOT EXISTS (
    SELECT 1 FROM auth_permission p WHERE p.content_type_id = c.id AND p.codename = v.codename)
"""
_RAISE_SEQUENCE = """
SELECT setval({name}, GREATEST(last_value, (SELECT max(id) FROM {table}))) FROM {sequence}
"""
_RECORD = """
INSERT INTO django_migrations (app, name, applied)
SELECT v.app, v.name, {now} FROM (VALUES {values}) v (app, name)
WHERE NOT EXISTS (SELECT 1 FROM django_migrations m WHERE m.app = v.app AND m.name = v.name)
"""
_UNRECORD = "DELETE FROM django_migrations WHERE (app, name) IN ({values})"


@dataclass(frozen=True, slots=True)
class Rows:
    """What one schema has recorded.

    `migrations` holds (app, name), `content_types` (id, app label, model), `permissions` (id, app label, model,
    codename, name).
    """

    migrations: frozenset[tuple[str, str]]
    content_types: frozenset[tuple[int, str, str]]
    permissions: frozenset[tuple[int, str, str, str, str]]


def read_rows(cursor: Any, schema: str) -> Rows:
    """The rows of one schema, by one query."""
    cursor.execute(sql.SQL(_READ).format(schema=sql.Identifier(schema)))
    found: dict[str, list[Any]] = {"m": [], "c": [], "p": []}
    for kind, *row in cursor.fetchall():
        found[kind].append(row)
    return Rows(
        migrations=frozenset((app, name) for _, app, name, *_ in found["m"]),
        content_types=frozenset((number, app, model) for number, app, model, *_ in found["c"]),
        permissions=frozenset(tuple(row) for row in found["p"]),
    )


def record_script(before: Rows, after: Rows, now: datetime) -> list[sql.Composable]:
    """Statements that take what is recorded in django_migrations from `before` to `after`; names carry no schema."""
    statements: list[sql.Composable] = []
    if gone := sorted(before.migrations - after.migrations):
        statements.append(sql.SQL(_UNRECORD).format(values=_values(gone)))
    if new := sorted(after.migrations - before.migrations):
        statements.append(sql.SQL(_RECORD).format(values=_values(new), now=sql.Literal(now)))
    return statements


def permission_script(before: Rows, after: Rows) -> list[sql.Composable]:
    """Statements that bring `after`'s content types and permissions, ids included, into a schema that has `before`'s.

    What is there under its natural key already stays as it is; the statements can be run twice.
    """
    old_types = {number: (app, model) for number, app, model in before.content_types}
    statements: list[sql.Composable] = []
    new_types = []
    for number, app, model in sorted(after.content_types - before.content_types):
        old = old_types.get(number)
        if old is not None and old[0] == app:
            names = {"app_label": app, "old": old[1], "new": model}
            literals = {key: sql.Literal(value) for key, value in names.items()}
            statements.append(sql.SQL(_RENAME_CONTENT_TYPE).format(**literals))
        else:
            new_types.append((number, app, model))
    if new_types:
        statements.append(sql.SQL(_INSERT_CONTENT_TYPES).format(values=_values(new_types)))
        statements.append(_raise_sequence("django_content_type"))
    known = {number for number, *_ in before.permissions}
    if new := sorted(row for row in after.permissions if row[0] not in known):
        statements.append(sql.SQL(_INSERT_PERMISSIONS).format(values=_values(new)))
        statements.append(_raise_sequence("auth_permission"))
    return statements


def _raise_sequence(table: str) -> sql.Composable:
    sequence = f"{table}_id_seq"
    names = {
        "name": sql.Literal(sequence),
        "sequence": sql.Identifier(sequence),
        "table": sql.Identifier(table),
    }
    return sql.SQL(_RAISE_SEQUENCE).format(**names)


def _values(rows: Iterable[Sequence[Any]]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(sql.Literal(value) for value in row)) for row in rows
    )
