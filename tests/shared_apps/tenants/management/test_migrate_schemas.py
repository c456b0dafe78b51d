"""`manage.py migrate_schemas` and `migrate`: the report, its JSON, the exit code, and what is refused in one sentence."""

from __future__ import annotations

import io
import json
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands, load_command_class
from psycopg import sql

from shared_apps.fleet.services import library_migrations
from shared_apps.fleet.services.applying import connect
from shared_apps.tenants.models import Library
from tests import database
from tests.shared_apps.fleet.services.deploys import Fleet

ADD_FIELD = 'migrations.AddField("branch", "floor", models.IntegerField(null=True))'


def run(*arguments: str, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("migrate_schemas", *arguments, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def subdomain(schema: str) -> str:
    return Library.objects.get(schema_name=schema).subdomain


def test_the_command_is_ours_and_migrate_is_the_same() -> None:
    for name in ("migrate_schemas", "migrate"):
        command = load_command_class(get_commands()[name], name)
        assert type(command).__module__ == "shared_apps.tenants.management.commands.migrate_schemas"


def test_the_json_has_what_the_contract_says(fleet: Fleet) -> None:
    good, bad = fleet.libraries(2)
    fleet.tell(bad, "ALTER TABLE branches_branch ADD COLUMN floor text")
    fleet.deploy(ADD_FIELD)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 not migrated"):
        call_command("migrate_schemas", "--json", "--tenant", stdout=out)
    answer = json.loads(out.getvalue())
    assert (answer["migrated"], answer["unchanged"]) == (1, 0)
    assert [failure["library"] for failure in answer["failed"]] == [subdomain(bad)]
    assert "already exists" in answer["failed"][0]["error"]
    assert answer["drifted"] == [subdomain(bad)]
    assert "floor" in fleet.columns(good, "branches_branch")
    fleet.tell(bad, "ALTER TABLE branches_branch DROP COLUMN floor")
    assert json.loads(run("--json", "--tenant")[0])["migrated"] == 1
    again = json.loads(run("--json", "--tenant")[0])
    assert (again["migrated"], again["unchanged"], again["failed"]) == (0, 2, [])


def test_a_release_that_cannot_be_built_is_said_without_libraries_too(fleet: Fleet) -> None:
    fleet.deploy("migrations.RunSQL('SELECT no_such_column')")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 not migrated"):
        call_command("migrate_schemas", "--json", "--tenant", stdout=out)
    (failure,) = json.loads(out.getvalue())["failed"]
    assert "no_such_column" in failure["error"]


def test_the_report_for_people_names_the_library(fleet: Fleet) -> None:
    good, bad = fleet.libraries(2)
    fleet.tell(bad, "ALTER TABLE branches_branch ADD COLUMN floor text")
    fleet.deploy(ADD_FIELD)
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError):
        call_command("migrate_schemas", "--tenant", stdout=out, stderr=err)
    assert "Libraries: 1 migrated, 0 unchanged, 1 failed." in out.getvalue()
    assert f"  {subdomain(bad)}: column" in out.getvalue()
    assert f"went the ordinary path: {subdomain(bad)}." in out.getvalue()
    assert "2 libraries are behind." in err.getvalue()
    assert fleet.columns(good, "branches_branch")[-1] == "floor"


def test_the_public_schema_comes_first_and_once(fleet: Fleet) -> None:
    (schema,) = fleet.libraries(1)
    name = fleet.deploy(ADD_FIELD)
    answer = json.loads(run("--json")[0])
    assert (answer["public"], answer["migrated"]) == ("migrated", 1)
    assert fleet.recorded("public")[-1] == name
    assert fleet.recorded(schema)[-1] == name
    answer = json.loads(run("--json")[0])
    assert (answer["public"], answer["migrated"], answer["unchanged"]) == ("unchanged", 0, 1)


def test_a_public_schema_without_its_permissions_is_not_current(fleet: Fleet) -> None:
    """A run killed between the last migration and what follows it leaves them out."""
    run("--shared")
    assert json.loads(run("--shared", "--json")[0])["public"] == "unchanged"
    fleet.tell("public", "DELETE FROM auth_permission WHERE codename = 'add_backfill'")
    assert json.loads(run("--shared", "--json")[0])["public"] == "migrated"
    assert fleet.ask("SELECT 1 FROM public.auth_permission WHERE codename = 'add_backfill'")


@pytest.mark.deep
def test_one_library_forwards_and_backwards(fleet: Fleet) -> None:
    one, other = fleet.libraries(2)
    first = max(name for name in library_migrations() if name.startswith("branches.")).split(".")[1]
    name = fleet.deploy(ADD_FIELD)
    run(subdomain=subdomain(one), verbosity=0)
    assert (fleet.recorded(one)[-1], fleet.recorded(other)[-1]) == (name, first)
    run(schema_name=other, tenant=True, verbosity=0)
    assert fleet.recorded(other)[-1] == name
    run("branches", first[:4], schema_name=one)
    assert fleet.recorded(one)[-1] == first
    assert "floor" not in fleet.columns(one, "branches_branch")
    assert "floor" in fleet.columns(other, "branches_branch")


@pytest.mark.deep
def test_the_plan_and_the_check_do_nothing(fleet: Fleet) -> None:
    (schema,) = fleet.libraries(1)
    name = fleet.deploy(ADD_FIELD)
    out, _err = run("--plan")
    assert f"Public schema: branches.{name}." in out
    assert f"1 libraries by one script: branches.{name}." in out
    answer = json.loads(run("--plan", "--json")[0])
    assert answer["groups"][0]["migrations"] == [f"branches.{name}"]
    with pytest.raises(CommandError, match="There are migrations to apply"):
        run("--check")
    assert "floor" not in fleet.columns(schema, "branches_branch")
    run(verbosity=0)
    run("--check")
    assert "Libraries: nothing to do." in run("--plan")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], 'There is no app "nowhere" with migrations.'),
        (["branches", "9"], 'No migration of "branches" begins with "9".'),
        (["access", "000"], 'More than one migration of "access" begins with "000".'),
        (["--subdomain", "nowhere"], 'There is no library with the subdomain "nowhere".'),
        (["--schema", "lib_nowhere"], 'There is no library with the schema "lib_nowhere".'),
        (["--schema", "a", "--subdomain", "b"], "Give either --schema or --subdomain, not both."),
        # As a script's variable that is not set leaves them: it must not mean every library.
        (["--subdomain", ""], 'There is no library with the subdomain "".'),
        (["--schema", ""], 'There is no library with the schema "".'),
        (["--parallel", "0"], "--parallel must be at least 1"),
        (["--retries", "-1"], "--retries at least 0"),
        (["--lock-timeout", "0"], "--lock-timeout from 0.001 to 600"),
        (["--lock-timeout", "0.0001"], "--lock-timeout from 0.001 to 600"),
        (["--lock-timeout", "nan"], "--lock-timeout from 0.001 to 600"),
        (["--lock-timeout", "inf"], "--lock-timeout from 0.001 to 600"),
        (["--parallel", "many"], "invalid int value"),
    ],
)
def test_wrong_arguments_get_one_sentence(fleet: Fleet, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_ctrl_c_gets_one_sentence(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared_apps.fleet.services import migrate

    def connect() -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(migrate, "connect", connect)
    with pytest.raises(CommandError, match=r"^Stopped\. ") as raised:
        run()
    assert raised.value.returncode == 130


@pytest.mark.parametrize("option", ["--json", "--plan", "--check"])
def test_a_database_that_does_not_answer_gets_one_sentence(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    from shared_apps.fleet.services import migrate

    def connect() -> Any:
        raise psycopg.OperationalError("connection is bad:\nno such file\n")

    monkeypatch.setattr(migrate, "connect", connect)
    with pytest.raises(CommandError) as raised:
        run(option)
    assert str(raised.value) == "The database does not answer: connection is bad: no such file."


def test_shared_and_one_library_exclude_each_other(fleet: Fleet) -> None:
    (schema,) = fleet.libraries(1)
    with pytest.raises(CommandError, match="it goes with no library"):
        run("--shared", "--schema", schema)


@pytest.mark.deep
def test_a_database_without_anything_is_filled(fleet: Fleet) -> None:
    """The first deploy: no registry, no tables; and an app's migrations fail there like a library's."""
    before, name = settings.DATABASES["default"]["NAME"], f"{settings.DATABASES['default']['NAME']}_new"
    with database.maintenance_connection() as server:
        database.drop(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        database.use(name)
        try:
            answer = json.loads(run("--json")[0])
            assert (answer["public"], answer["migrated"], answer["failed"]) == ("migrated", 0, [])
            with connect() as connection:
                assert connection.execute("SELECT count(*) FROM fleet_release").fetchall() == [(1,)]
            assert json.loads(run("--json")[0])["public"] == "unchanged"
        finally:
            database.use(before)
            database.drop(server, name)


@pytest.mark.deep
def test_the_first_deploy_that_fails_says_of_what(fleet: Fleet) -> None:
    """Also where there is no table yet in which a library could be looked up."""
    before, name = settings.DATABASES["default"]["NAME"], f"{settings.DATABASES['default']['NAME']}_new"
    out = io.StringIO()
    with database.maintenance_connection() as server:
        database.drop(server, name)
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        database.use(name)
        try:
            fleet.tell("public", "CREATE TABLE django_content_type ()")
            with pytest.raises(CommandError, match="1 not migrated"):
                call_command("migrate_schemas", "--json", stdout=out)
        finally:
            database.use(before)
            database.drop(server, name)
    (failure,) = json.loads(out.getvalue())["failed"]
    assert failure["library"] == "public"
    assert "already exists (42P07)" in failure["error"]


@pytest.mark.deep
def test_a_public_migration_that_fails_is_named_and_the_libraries_wait(fleet: Fleet) -> None:
    (schema,) = fleet.libraries(1)
    before = fleet.release_of(schema)
    fleet.deploy(ADD_FIELD)
    refuse = "ALTER TABLE django_migrations ADD CONSTRAINT refuse CHECK (app <> 'branches') NOT VALID"
    fleet.tell("public", refuse)
    out = io.StringIO()
    try:
        with pytest.raises(CommandError, match="1 not migrated"):
            call_command("migrate_schemas", "--json", stdout=out)
    finally:
        fleet.tell("public", "ALTER TABLE django_migrations DROP CONSTRAINT refuse")
    answer = json.loads(out.getvalue())
    assert [(failure["library"], "23514" in failure["error"]) for failure in answer["failed"]] == [
        ("public", True)
    ]
    assert (fleet.release_of(schema), fleet.error_of(schema)) == (before, "")
    assert json.loads(run("--json")[0])["migrated"] == 1
