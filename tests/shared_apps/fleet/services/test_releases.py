"""A release is described once, by a script that makes what the ordinary migrations make."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from saas.core import schemas
from saas.core.db.owner import owner_connection
from shared_apps.fleet.models import LibrarySchema, Release, SchemaState
from shared_apps.fleet.services import (
    current_key,
    current_release,
    make_schema,
    migrate_schema_ordinarily,
    releases,
)
from shared_apps.fleet.services.releases import COPIED_TABLES, TEMPLATE, key_of, library_migrations
from tests.shared_apps.fleet.services.deploys import Fleet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]
VIEW = "migrations.RunSQL('CREATE VIEW branches_names AS SELECT name FROM branches_branch')"
TABLE = "migrations.CreateModel('Shelf', [('id', models.BigAutoField(primary_key=True))])"


@pytest.fixture
def migrated(fleet: Fleet) -> Iterator[str]:
    """A schema made by the ordinary migrations alone."""
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute("CREATE SCHEMA lib_migrated")
        migrate_schema_ordinarily(wrapper, "lib_migrated")
        yield "lib_migrated"
        cursor.execute("DROP SCHEMA lib_migrated CASCADE")


def facts_of(schema: str) -> schemas.Facts:
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        return schemas.read_facts(cursor, schema)


def rows_of(schema: str) -> dict[str, list[Any]]:
    """Every row of every table, but for when migrations were applied."""
    found = {}
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        for (table,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("SELECT to_jsonb(t) - 'applied' FROM {} t ORDER BY t.*::text").format(
                    sql.Identifier(schema, table)
                )
            )
            found[table] = [json.loads(row) for (row,) in cursor.fetchall()]
    return found


def schemas_there() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace")
        return {name for (name,) in cursor.fetchall()}


def test_the_migrations_on_disk_are_those_that_django_finds() -> None:
    labels = set(releases._library_labels())
    found = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations if app in labels}
    assert set(library_migrations()) == found
    assert {"circulation", "accounts", "guardian", "auth"} <= labels
    assert not labels & {"fleet", "tenants", "signup", "billing"}


def test_the_key_is_that_of_the_set_of_migrations(fleet: Fleet) -> None:
    before = current_key()
    assert key_of(reversed(library_migrations())) == before
    name = fleet.deploy(TABLE)
    assert f"branches.{name}" in library_migrations()
    assert current_key() == key_of(library_migrations()) != before


def test_a_made_schema_is_the_migrated_one_fact_by_fact_and_row_by_row(migrated: str) -> None:
    made = make_schema(prepared=False)
    assert schemas.differences(facts_of(migrated), facts_of(made)) == []
    assert rows_of(made) == rows_of(migrated)
    assert schemas.fingerprint(facts_of(made)) == current_release().fingerprint
    assert current_release().script


def test_a_schema_that_is_not_prepared_holds_what_migrations_write_and_nothing_else() -> None:
    rows = rows_of(make_schema(prepared=False))
    assert {table for table, found in rows.items() if found} == set(COPIED_TABLES)


def test_a_release_is_built_once_and_its_template_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    Release.objects.filter(pk=current_key()).delete()
    built: list[str] = []
    describe = releases.release_of

    def counted(wrapper: Any, schema: str, **options: Any) -> Release:
        built.append(schema)
        return describe(wrapper, schema, **options)

    monkeypatch.setattr(releases, "release_of", counted)
    found: list[Release] = []
    threads = [threading.Thread(target=lambda: found.append(current_release())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [release.key for release in found] == [current_key()] * 3
    assert built == [TEMPLATE]
    assert not {name for name in schemas_there() if name.startswith("release_")}


def test_what_a_killed_builder_left_is_in_nobodys_way() -> None:
    Release.objects.filter(pk=current_key()).delete()
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {TEMPLATE}; CREATE TABLE {TEMPLATE}.django_migrations (odd int)")
    assert current_release().script
    assert TEMPLATE not in schemas_there()


def test_after_an_upgrade_of_the_server_the_release_is_made_anew_with_its_ids(fleet: Fleet) -> None:
    before = current_release()
    Release.objects.filter(pk=before.key).update(
        server=before.server - 1, script=before.script, shape="other"
    )
    made = current_release()
    assert (made.server, made.shape, made.script) == (before.server, before.shape, before.script)
    assert Release.objects.get(pk=before.key).shape == before.shape


def test_a_new_release_goes_on_from_the_one_before_with_its_ids(fleet: Fleet) -> None:
    before = rows_of(make_schema(prepared=False))
    fleet.deploy(TABLE)
    made = make_schema(prepared=False)
    after = rows_of(made)
    assert "branches_shelf" in after
    for table in COPIED_TABLES:
        old = {row["id"]: row for row in before[table]}
        new = {row["id"]: row for row in after[table]}
        assert old.items() <= new.items()
        assert min(set(new) - set(old)) > max(old), f"{table} goes on"


def test_a_release_with_an_unknown_object_has_no_script_and_schemas_are_migrated(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.deploy(VIEW)
    release = current_release()
    assert (release.script, release.fingerprint) == ("", "")
    assert "fleet.release_without_script" in caplog.text
    assert "branches_names" in caplog.text
    made = make_schema()
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT name FROM {}").format(sql.Identifier(made, "branches_names")))
        assert cursor.fetchall() == [("Main",)]
        assert schemas.shapes(cursor, [made])[made] == release.shape
    row = LibrarySchema.objects.get(pk=made)
    assert (row.state, row.release) == (SchemaState.SPARE, release.key)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("DROP INDEX branches_branch_code_2b5ee5a2_like;", "branches_branch_code"),
        ("DELETE FROM auth_permission WHERE id = 1;", "other rows in auth_permission"),
        ("SELECT nextval('django_content_type_id_seq');", "other rows in django_content_type"),
        ("SELECT 1 FROM no_such_table;", "the script fails"),
    ],
)
def test_a_script_that_does_not_make_the_same_is_not_kept(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str, reason: str
) -> None:
    write = schemas.write_script
    schema = make_schema(prepared=False)

    def describe() -> Release:
        with owner_connection() as wrapper:
            return releases.release_of(wrapper, schema, migrations=library_migrations())

    assert describe().script, "without the fault it is kept"
    monkeypatch.setattr(
        schemas, "write_script", lambda *args, **options: f"{write(*args, **options)}\n{fault}"
    )
    release = describe()
    assert release.script == ""
    assert release.fingerprint
    assert reason in caplog.text
    assert not {name for name in schemas_there() if name.startswith("release_scratch")}
