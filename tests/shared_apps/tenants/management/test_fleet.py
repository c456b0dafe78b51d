"""`manage.py fleet`: versions, drift and backfills of all libraries."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from shared_apps.fleet.selectors import current_version
from shared_apps.fleet.services import backfills, verifying
from shared_apps.tenants.models import Library
from tests.shared_apps.fleet.services.deploys import Fleet

ADD_FIELD = 'migrations.AddField("branch", "floor", models.IntegerField(null=True))'


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("fleet", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def subdomain(schema: str) -> str:
    return Library.objects.get(schema_name=schema).subdomain


@pytest.fixture
def rename() -> Iterator[str]:
    """A backfill over the branches that writes a name, one row at a time."""
    from tenant_apps.branches.models import Branch

    @backfills.backfill("branches.rename", batch=1, pause=0.0)
    def run_batch(after: int | None, size: int) -> int | None:
        rows = list(Branch.objects.filter(id__gt=after or 0).order_by("id")[:size])
        for row in rows:
            if row.name == "Refused":
                raise ValueError("this one is refused")
            row.name = row.code.title()
            row.save(update_fields=["name"])
        return rows[-1].id if rows else None

    yield "branches.rename"
    del backfills._DECLARED["branches.rename"]


def test_status_as_json(fleet: Fleet) -> None:
    good, bad = fleet.libraries(2)
    for _each in range(2):  # the first one is tried on
        fleet.spare()
    old = current_version()
    fleet.deploy(ADD_FIELD)
    fleet.tell(bad, "ALTER TABLE branches_branch ADD COLUMN floor text")
    fleet.run()
    answer = json.loads(run("status", "--json"))
    libraries = {row["subdomain"]: row for row in answer["libraries"]}
    assert set(libraries) == {subdomain(good), subdomain(bad)}
    assert answer["version"] == current_version() != old
    assert (
        libraries[subdomain(good)] | {"version": current_version(), "lag": 0, "error": ""}
        == libraries[subdomain(good)]
    )
    assert (libraries[subdomain(bad)]["version"], libraries[subdomain(bad)]["lag"]) == (old, 1)
    assert "already exists" in libraries[subdomain(bad)]["error"]
    assert libraries[subdomain(bad)]["attempts"] == 1
    assert libraries[subdomain(bad)]["failed_at"].endswith("Z")
    assert answer["spares"] == [{"version": old, "lag": 1}]
    behind = json.loads(run("status", "--behind", "--json"))
    assert [row["subdomain"] for row in behind["libraries"]] == [subdomain(bad)]


def test_status_for_people(fleet: Fleet) -> None:
    (schema,) = fleet.libraries(1)
    old = current_version()
    fleet.deploy(ADD_FIELD)
    spare = fleet.spare()
    lines = run("status").splitlines()
    assert lines[0] == f"This code is at {current_version()}."
    assert lines[1].split() == [subdomain(schema), old, "1", "behind"]
    assert lines[2].split() == ["(spare", f"{spare})", current_version(), "up", "to", "date"]


def test_verify_is_silent_about_sound_libraries_and_names_the_others(fleet: Fleet) -> None:
    good, drifted = fleet.libraries(2)
    assert run("verify") == "Every library has the tables of its release.\n"
    fleet.tell(drifted, "ALTER TABLE branches_branch ADD COLUMN floor text")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 libraries differ"):
        call_command("fleet", "verify", stdout=out)
    assert out.getvalue().startswith(f"{subdomain(drifted)}:\n  ")
    assert "floor" in out.getvalue()
    assert subdomain(good) not in out.getvalue()
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("fleet", "verify", "--json", stdout=out)
    (told,) = json.loads(out.getvalue())["drifted"]
    assert told["library"] == subdomain(drifted)
    assert any("floor" in line for line in told["differences"])
    assert run("verify", "--subdomain", subdomain(good)) == "Every library has the tables of its release.\n"


def test_a_backfill_stops_in_the_library_that_refuses_and_goes_on_there(fleet: Fleet, rename: str) -> None:
    good, bad = fleet.libraries(2)
    for schema, names in ((good, "ab"), (bad, "abc")):
        for name in names:
            title = "Refused" if (schema, name) == (bad, "b") else "?"
            fleet.tell(
                schema,
                "INSERT INTO branches_branch (code, name, time_zone, version)"
                f" VALUES ('{name}', '{title}', 'UTC', 1)",
            )
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 libraries stopped"):
        call_command("fleet", "backfill", rename, "--here", "--json", stdout=out)
    rows = {row["library"]: row for row in json.loads(out.getvalue())["libraries"]}
    assert (rows[subdomain(good)]["finished"], rows[subdomain(good)]["batches"]) == (True, 2)
    assert rows[subdomain(bad)]["error"] == "this one is refused"
    assert (rows[subdomain(bad)]["finished"], rows[subdomain(bad)]["batches"]) == (False, 1)
    assert "branches.rename in " + subdomain(bad) + ": 1 batches, this one is refused" in run("status")

    fleet.tell(bad, "UPDATE branches_branch SET name = '?' WHERE code = 'b'")
    assert "3 batches, finished" in run("backfill", rename, "--here")
    assert fleet.ask(f"SELECT name FROM {bad}.branches_branch ORDER BY id") == [("A",), ("B",), ("C",)]
    assert "branches.rename" not in run("status")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "--schema", "lib_nowhere"], 'There is no library with the schema "lib_nowhere".'),
        (["verify", "--subdomain", "nowhere"], 'There is no library with the subdomain "nowhere".'),
        (["verify", "--subdomain", ""], 'There is no library with the subdomain "".'),
        (["backfill", "no.such"], 'There is no backfill "no.such"; there are: '),
        (["backfill"], "the following arguments are required: name"),
        (["dance"], "invalid choice: 'dance'"),
        ([], "the following arguments are required: SUBCOMMAND"),
    ],
)
def test_wrong_arguments_get_one_sentence(fleet: Fleet, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_database_that_does_not_answer_gets_one_sentence(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_fleet(*arguments: Any, **options: Any) -> Any:
        raise OperationalError("connection is bad:\nno such file\n")

    monkeypatch.setattr(verifying, "verify_fleet", verify_fleet)
    with pytest.raises(CommandError) as raised:
        run("verify")
    assert str(raised.value) == "The database does not answer: connection is bad: no such file."


def test_ctrl_c_gets_one_sentence(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify_fleet(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "verify_fleet", verify_fleet)
    with pytest.raises(CommandError, match=r"^Stopped\. ") as raised:
        run("verify")
    assert raised.value.returncode == 130


@pytest.mark.parametrize("subcommand", ["status", "verify", "backfill"])
def test_help_teaches_by_an_example(subcommand: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        call_command("fleet", subcommand, "--help")
    assert "Example: manage.py fleet" in " ".join(capsys.readouterr().out.split())
