"""Eight libraries in a database of their own, each with rows that name it; committed, and dropped afterwards.

The tables are made from real models of the libraries by Django itself. The public schema has a table of the same name
with a row that says "public": whoever falls through to it is seen.
"""

from __future__ import annotations

import copy
import os
import secrets
import uuid
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from unittest import mock

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PlainWrapper
from django.test import override_settings
from psycopg import sql

from saas.core.db import roles
from saas.core.tenancy import PUBLIC, LibraryContext
from saas.core.tenancy.caches import SchemaKeyedCache
from tenant_apps.branches.models import Branch

LIBRARIES = 8
# Rows that are always there: more than one piece of a server-side cursor.
ROWS = 5
TABLE = Branch._meta.db_table


@dataclass(frozen=True)
class Scene:
    """The libraries, and how to reach them: `server` and `name` as Django describes a database.

    `login` is a member of the libraries' roles without their rights, as in production; `flat` is the login of an
    installation without roles and has rights in every library.
    """

    server: Mapping[str, Any]
    name: str
    libraries: tuple[LibraryContext, ...]
    login: str
    flat: str
    passwords: Mapping[str, str]

    def settings_for(self, login: str, address: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Django's description of this database for one login, at another address where a pooler stands between."""
        described = copy.deepcopy(dict(connections["default"].settings_dict))
        address = self.server if address is None else address
        described |= {
            "NAME": self.name,
            "USER": login,
            "PASSWORD": self.passwords[login],
            "HOST": address["HOST"],
            "PORT": address["PORT"],
            "CONN_MAX_AGE": None,
        }
        return described

    @property
    def schemas(self) -> tuple[str, ...]:
        """The libraries' schemas and the public one."""
        return (*(library.schema_name for library in self.libraries), PUBLIC)

    def administrator(self) -> psycopg.Connection[Any]:
        """A connection of the server's superuser to this database."""
        return _connect(self.server, self.name)

    def tidy(self) -> None:
        """Only the rows that were there at the start, and no content type remembered."""
        remembered = cast(Any, ContentType.objects)._cache
        with self.administrator() as connection:
            for schema in self.schemas:
                connection.execute(
                    sql.SQL("DELETE FROM {} WHERE code NOT LIKE %s").format(sql.Identifier(schema, TABLE)),
                    [f"{schema}/%"],
                )
                if isinstance(remembered, SchemaKeyedCache):
                    remembered.forget(schema)

    def strays(self) -> list[str]:
        """Rows that do not name the schema that they lie in, over all schemas."""
        found = []
        with self.administrator() as connection:
            for schema in self.schemas:
                rows = connection.execute(
                    sql.SQL("SELECT code, name FROM {} WHERE name <> %s").format(
                        sql.Identifier(schema, TABLE)
                    ),
                    [schema],
                )
                found += [f"{schema}: {code} of {name}" for code, name in rows]
        return found


@contextmanager
def build(server: Mapping[str, Any]) -> Iterator[Scene]:
    """Make the scene on a server (HOST, PORT, USER, PASSWORD of an administrator), and take all of it away again."""
    mark = f"{os.getpid():x}{secrets.token_hex(2)}"
    logins = {f"hz{mark}_login": secrets.token_hex(8), f"hz{mark}_flat": secrets.token_hex(8)}
    libraries = tuple(_library(f"lib_hz{mark}_{number}") for number in range(LIBRARIES))
    login, flat = logins
    scene = Scene(server, f"hz{mark}", libraries, login, flat, logins)
    with _connect(server, "postgres") as maintenance:
        maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(scene.name))
        )
        try:
            _fill(scene)
            yield scene
        finally:
            _remove(maintenance, scene)


def _connect(server: Mapping[str, Any], name: str) -> psycopg.Connection[Any]:
    given = {key.lower(): server[key] for key in ("HOST", "PORT", "USER", "PASSWORD") if server.get(key)}
    return psycopg.connect(dbname=name, autocommit=True, **given)


def _library(schema: str) -> LibraryContext:
    name = schema.removeprefix("lib_").replace("_", "-")
    return LibraryContext(
        id=uuid.uuid5(uuid.NAMESPACE_DNS, name),
        schema_name=schema,
        subdomain=name,
        name=name,
        status="active",
        plan="basic",
        primary_host=f"{name}.localhost",
    )


def _fill(scene: Scene) -> None:
    tables = _statements_of_the_tables(scene)
    with scene.administrator() as connection:
        for name, password in scene.passwords.items():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
                    sql.Identifier(name), sql.Literal(password)
                )
            )
        for _login in _each_login(scene):
            with connection.cursor() as cursor:
                roles.prepare_database(cursor)
        _make_schema(connection, PUBLIC, tables)
        for library in scene.libraries:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(library.schema_name)))
            for _login in _each_login(scene):
                with connection.cursor() as cursor:
                    roles.make_role(cursor, library.schema_name)
                    roles.grant_schema(cursor, library.schema_name)
            _make_schema(connection, library.schema_name, tables)


def _each_login(scene: Scene) -> Iterator[str]:
    """The settings of an installation with roles, then those of one without: the scene serves both."""
    for on, login in ((True, scene.login), (False, scene.flat)):
        with (
            override_settings(LIBRARY_ROLES=on),
            mock.patch.dict(settings.DATABASES["default"], {"USER": login}),
            mock.patch.dict(settings.DATABASES["owner"], {"USER": ""}),
        ):
            yield login


def _make_schema(connection: Any, schema: str, tables: list[str]) -> None:
    """The tables, with rows that name the schema; the content types have ids that no other schema has."""
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
    for statement in tables:
        connection.execute(statement)
    for number in range(ROWS):
        connection.execute(
            f"INSERT INTO {TABLE} (code, name, time_zone, version) VALUES (%s, %s, 'UTC', 1)",
            [f"{schema}/{number}", schema],
        )
    connection.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (%s, 'branches', 'branch')",
        [zlib.crc32(schema.encode()) % 2**30],
    )


def _statements_of_the_tables(scene: Scene) -> list[str]:
    """What Django would send to make the model's tables on this server."""
    described = scene.settings_for(scene.login) | {
        "USER": scene.server["USER"],
        "PASSWORD": scene.server["PASSWORD"],
    }
    wrapper = PlainWrapper(described, "hazards")
    try:
        with wrapper.SchemaEditorClass(wrapper, collect_sql=True, atomic=False) as editor:
            editor.create_model(Branch)
            editor.create_model(ContentType)
        statements: list[str] = [text for text in editor.collected_sql if not text.startswith("--")]
        return statements
    finally:
        wrapper.close()


def _remove(maintenance: Any, scene: Scene) -> None:
    name = sql.Identifier(scene.name)
    maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
    for role in (*(library.schema_name for library in scene.libraries), *scene.passwords):
        maintenance.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
