"""Fleet runs over committed libraries, by synthetic deploys: what each kind of migration comes to in every library."""

from __future__ import annotations

from typing import Any

import pytest

from shared_apps.fleet.models import Release
from shared_apps.fleet.services import current_key
from shared_apps.fleet.services.migrate import Orders, plan_fleet
from shared_apps.fleet.services.releases import key_of, library_migrations
from tests.shared_apps.fleet.services.deploys import Fleet

ADD_FIELD = 'migrations.AddField("branch", "floor", models.IntegerField(null=True))'
ADD_INDEX = 'migrations.AddIndex("branch", models.Index(fields=["floor"], name="synthetic_floor"))'
CREATE_MODEL = (
    'migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True)),'
    ' ("branch", models.ForeignKey("branches.Branch", models.CASCADE)), ("label", models.TextField(default=""))],'
    ' options={"permissions": [("dust_shelf", "Can dust")]})'
)


def test_a_column_and_an_index_reach_every_library(fleet: Fleet) -> None:
    schemas = fleet.libraries(3)
    name = fleet.deploy(ADD_FIELD, ADD_INDEX)
    report = fleet.run()
    assert sorted(report.migrated) == sorted(schemas)
    assert report.succeeded
    assert report.unchanged == 0
    assert [group.ordinary for group in report.groups] == [""]
    for schema in schemas:
        assert "floor" in fleet.columns(schema, "branches_branch")
        assert "synthetic_floor" in fleet.indexes(schema, "branches_branch")
        assert fleet.recorded(schema)[-1] == name
        assert fleet.release_of(schema) == current_key()


@pytest.mark.deep
def test_what_is_migrated_is_what_is_made_anew(fleet: Fleet) -> None:
    (migrated,) = fleet.libraries(1)
    fleet.deploy(ADD_FIELD, ADD_INDEX, CREATE_MODEL)
    fleet.run()
    (made,) = fleet.libraries(1)
    assert fleet.release_of(migrated) == fleet.release_of(made)
    assert _facts(migrated) == _facts(made)
    for table in ("django_content_type", "auth_permission"):
        assert fleet.rows(migrated, table) == fleet.rows(made, table)
    assert fleet.recorded(migrated) == fleet.recorded(made)


def test_content_types_and_permissions_have_the_same_ids_in_every_library(fleet: Fleet) -> None:
    early = fleet.libraries(2)
    fleet.deploy(CREATE_MODEL, app="preferences")
    fleet.run(only=(early[0],))
    # The other one skips a release; left to itself, it would number the model of the earlier app first.
    fleet.deploy(CREATE_MODEL.replace("Shelf", "Aisle"))
    fleet.run()
    (fresh,) = fleet.libraries(1)
    schemas = [*early, fresh]
    for table in ("django_content_type", "auth_permission"):
        assert fleet.rows(early[0], table) == fleet.rows(early[1], table) == fleet.rows(fresh, table)
    assert "dust_shelf" in {codename for *_others, codename in _permissions(fleet, fresh)}
    assert len({tuple(_next_ids(fleet, schema)) for schema in schemas}) == 1


@pytest.mark.deep
def test_a_renamed_model_keeps_its_content_type(fleet: Fleet) -> None:
    schemas = fleet.libraries(2)
    fleet.deploy(CREATE_MODEL)
    fleet.run()
    (before,) = _content_type(fleet, schemas[0], "shelf")
    fleet.deploy('migrations.RenameModel("Shelf", "Rack")')
    report = fleet.run()
    assert (sorted(report.migrated), report.groups[0].ordinary) == (sorted(schemas), "")
    for schema in schemas:
        assert _content_type(fleet, schema, "rack") == [before]
        assert _content_type(fleet, schema, "shelf") == []
        assert fleet.rows(schema, "branches_rack") == []


def test_python_in_a_migration_runs_in_each_library(fleet: Fleet) -> None:
    schemas = fleet.libraries(2)
    body = (
        "def fill(apps, editor):\n"
        "    Branch = apps.get_model('branches', 'Branch')\n"
        "    Branch.objects.using(editor.connection.alias).create(\n"
        "        code='python', name=editor.connection.schema_name)\n"
    )
    fleet.deploy(ADD_FIELD, "migrations.RunPython(fill, migrations.RunPython.noop)", before=body)
    report = fleet.run()
    assert sorted(report.migrated) == sorted(schemas)
    assert "RunPython" in report.groups[0].ordinary
    for schema in schemas:
        found = fleet.ask(f"SELECT name FROM {schema}.branches_branch WHERE code = 'python'")
        assert found == [(schema,)]
        assert fleet.release_of(schema) == current_key()


@pytest.mark.deep
def test_a_migration_that_is_not_atomic_goes_the_ordinary_path(fleet: Fleet) -> None:
    schemas = fleet.libraries(2)
    fleet.deploy(
        'AddIndexConcurrently("branch", models.Index(fields=["name"], name="synthetic_concurrent"))',
        attributes="atomic = False",
    )
    report = fleet.run()
    assert sorted(report.migrated) == sorted(schemas)
    assert "not atomic" in report.groups[0].ordinary
    for schema in schemas:
        assert "synthetic_concurrent" in fleet.indexes(schema, "branches_branch")


@pytest.mark.deep
def test_a_default_that_is_drawn_differs_between_libraries(fleet: Fleet) -> None:
    """One script for all would give every library the same secret."""
    schemas = fleet.libraries(2)
    for schema in schemas:
        _add_branch(fleet, schema)
    fleet.deploy('migrations.AddField("branch", "secret", models.UUIDField(default=uuid.uuid4))')
    report = fleet.run()
    assert "drawn" in report.groups[0].ordinary
    secrets = {fleet.ask(f"SELECT secret FROM {schema}.branches_branch")[0] for schema in schemas}
    assert len(secrets) == 2


@pytest.mark.deep
def test_rows_written_by_sql_do_not_hold_up_the_next_migration(fleet: Fleet) -> None:
    """Deferred foreign keys leave pending events, and a table with pending events cannot be altered."""
    schemas = fleet.libraries(2)
    for schema in schemas:
        _add_branch(fleet, schema)
    fleet.deploy(CREATE_MODEL)
    fleet.deploy(
        'migrations.RunSQL("INSERT INTO branches_shelf (branch_id, label)'
        " SELECT id, '10 % of it' FROM branches_branch\")"
    )
    fleet.deploy(ADD_FIELD.replace("branch", "shelf"))
    report = fleet.run()
    assert (report.failed, sorted(report.migrated)) == ([], sorted(schemas))
    assert report.groups[0].ordinary == ""
    assert fleet.ask(f"SELECT label, floor FROM {schemas[0]}.branches_shelf") == [("10 % of it", None)]


def test_a_migration_can_be_taken_back(fleet: Fleet) -> None:
    first = sorted(name for name in library_migrations() if name.startswith("branches."))[-1].split(".")[1]
    old = current_key()
    schemas = fleet.libraries(2)
    name = fleet.deploy(ADD_FIELD, ADD_INDEX, CREATE_MODEL)
    fleet.run()
    report = fleet.run(targets=(("branches", first),))
    assert sorted(report.migrated) == sorted(schemas)
    assert report.groups[0].migrations == (f"-branches.{name}",)
    for schema in schemas:
        assert "floor" not in fleet.columns(schema, "branches_branch")
        assert fleet.recorded(schema)[-1] == first
        assert fleet.release_of(schema) == old
    again = fleet.run()
    assert sorted(again.migrated) == sorted(schemas)
    assert again.drifted == []


@pytest.mark.deep
def test_a_release_between_two_is_one_too(fleet: Fleet) -> None:
    """`migrate_schemas app name` leaves the library at a set of migrations that no code has ever had."""
    schemas = fleet.libraries(2)
    real = set(library_migrations())
    middle = fleet.deploy(ADD_FIELD)
    fleet.deploy(ADD_INDEX)
    report = fleet.run(targets=(("branches", middle),))
    assert sorted(report.migrated) == sorted(schemas)
    key = key_of({*real, f"branches.{middle}"})
    assert {fleet.release_of(schema) for schema in schemas} == {key}
    assert Release.objects.get(pk=key).script
    assert fleet.run(targets=(("branches", middle),)).unchanged == 2
    last = fleet.run()
    assert sorted(last.migrated) == sorted(schemas)
    assert (last.groups[0].ordinary, last.drifted) == ("", [])


@pytest.mark.deep
def test_a_plan_writes_nothing(fleet: Fleet) -> None:
    schemas = fleet.libraries(2)
    before, releases = fleet.release_of(schemas[0]), Release.objects.count()
    name = fleet.deploy(ADD_FIELD)
    _public, groups = plan_fleet(Orders(public=False))
    assert [(group.libraries, group.migrations, group.ordinary) for group in groups] == [
        (2, (f"branches.{name}",), "")
    ]
    assert (fleet.release_of(schemas[0]), Release.objects.count()) == (before, releases)
    assert "floor" not in fleet.columns(schemas[0], "branches_branch")


@pytest.mark.deep
def test_only_the_named_library_is_migrated(fleet: Fleet) -> None:
    one, other = fleet.libraries(2)
    fleet.deploy(ADD_FIELD)
    report = fleet.run(only=(one,))
    assert report.migrated == [one]
    assert "floor" in fleet.columns(one, "branches_branch")
    assert "floor" not in fleet.columns(other, "branches_branch")
    assert fleet.run().migrated == [other]


@pytest.mark.deep
@pytest.mark.parametrize("parallel", [1, 4])
def test_many_workers_do_each_library_once(fleet: Fleet, parallel: int) -> None:
    schemas = fleet.libraries(6)
    name = fleet.deploy(ADD_FIELD)
    assert sorted(fleet.run(parallel=parallel).migrated) == sorted(schemas)
    for schema in schemas:
        assert fleet.recorded(schema).count(name) == 1


def _facts(schema: str) -> Any:
    from saas.core.db.owner import owner_connection
    from saas.core.schemas import read_facts

    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        return read_facts(cursor, schema)


def _permissions(fleet: Fleet, schema: str) -> list[Any]:
    return fleet.ask(f"SELECT id, name, content_type_id, codename FROM {schema}.auth_permission")


def _next_ids(fleet: Fleet, schema: str) -> list[Any]:
    return fleet.ask(
        f"SELECT c.last_value, p.last_value FROM {schema}.django_content_type_id_seq c,"
        f" {schema}.auth_permission_id_seq p"
    )


def _add_branch(fleet: Fleet, schema: str) -> None:
    fleet.tell(
        schema, "INSERT INTO branches_branch (code, name, time_zone, version) VALUES ('x', 'X', 'UTC', 1)"
    )


def _content_type(fleet: Fleet, schema: str, model: str) -> list[int]:
    found = fleet.rows(schema, "django_content_type")
    return [number for number, app, name in found if (app, name) == ("branches", model)]
