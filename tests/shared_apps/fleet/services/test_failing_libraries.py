"""One library that fails stops nobody: it is named, keeps its version, and the next run does only what is left."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from shared_apps.fleet.models import LibrarySchema
from shared_apps.fleet.services import applying, claim_schema, current_key
from shared_apps.fleet.services.applying import Applier, Outcome, Patience, connect
from shared_apps.fleet.services.verifying import verify_fleet
from tests.shared_apps.fleet.services.deploys import IMPATIENT, Fleet

ADD_FIELD = 'migrations.AddField("branch", "floor", models.IntegerField(null=True))'
UNIQUE_NAMES = 'migrations.AlterField("branch", "name", models.CharField(max_length=200, unique=True))'
WRONG = (
    'migrations.RunSQL("UPDATE branches_branch SET version = 1 / (SELECT 0 FROM branches_branch LIMIT 1)")'
)


def add_branches(fleet: Fleet, schema: str, *names: str) -> None:
    for number, name in enumerate(names):
        fleet.tell(
            schema,
            "INSERT INTO branches_branch (code, name, time_zone, version)"
            f" VALUES ('code-{number}', '{name}', 'UTC', 1)",
        )


def test_rows_that_break_the_new_rule_stop_their_own_library_alone(fleet: Fleet) -> None:
    first, bad, last = fleet.libraries(3)
    add_branches(fleet, bad, "Twins", "Twins")
    before = fleet.release_of(bad)
    fleet.deploy(ADD_FIELD)
    fleet.deploy(UNIQUE_NAMES)
    report = fleet.run()
    assert sorted(report.migrated) == sorted([first, last])
    assert [result.schema for result in report.failed] == [bad]
    assert "23505" in report.failed[0].error
    row = LibrarySchema.objects.get(pk=bad)
    assert (row.release, row.error, row.attempts) == (before, report.failed[0].error, 1)
    assert timezone.now() - row.failed_at < timedelta(minutes=1)
    assert "floor" not in fleet.columns(bad, "branches_branch"), "the transaction left something"
    assert verify_fleet((bad,), progress=lambda done, total: None) == []

    assert [result.schema for result in fleet.run().failed] == [bad]
    assert LibrarySchema.objects.get(pk=bad).attempts == 2
    fleet.tell(bad, "UPDATE branches_branch SET name = code")
    again = fleet.run()
    assert (again.migrated, again.unchanged) == ([bad], 2)
    assert (fleet.error_of(bad), fleet.release_of(bad)) == ("", current_key())


def test_a_drifted_library_is_named_and_the_others_are_done(fleet: Fleet) -> None:
    good, drifted, odd = fleet.libraries(3)
    fleet.tell(drifted, "ALTER TABLE branches_branch ADD COLUMN floor text")
    fleet.tell(odd, "CREATE INDEX somebody_was_here ON branches_branch (name)")
    fleet.deploy(ADD_FIELD)
    report = fleet.run()
    assert sorted(report.migrated) == sorted([good, odd]), "an odd index does not stand in the way"
    assert sorted(report.drifted) == sorted([drifted, odd])
    assert [(result.schema, "42701" in result.error) for result in report.failed] == [(drifted, True)]
    assert "floor" in fleet.columns(odd, "branches_branch")
    assert fleet.release_of(odd) == current_key() != fleet.release_of(drifted)

    fleet.tell(drifted, "ALTER TABLE branches_branch DROP COLUMN floor")
    assert fleet.run().migrated == [drifted]
    assert fleet.recorded(drifted) == fleet.recorded(good)
    for table in ("django_content_type", "auth_permission"):
        assert fleet.rows(drifted, table) == fleet.rows(good, table)


@pytest.mark.deep
def test_a_schema_that_is_gone_is_named(fleet: Fleet) -> None:
    good, gone = fleet.libraries(2)
    fleet.tell(good, f"ALTER SCHEMA {gone} RENAME TO lib_moved_away")
    fleet.deploy(ADD_FIELD)
    try:
        report = fleet.run()
        assert (report.migrated, [result.schema for result in report.failed]) == ([good], [gone])
    finally:
        fleet.tell(good, f"ALTER SCHEMA lib_moved_away RENAME TO {gone}")


def test_a_long_reader_is_waited_for_again_and_again_then_named(fleet: Fleet) -> None:
    schemas = fleet.libraries(3)
    fleet.deploy(ADD_FIELD)
    with fleet.reader(schemas[1], "branches_branch"):
        report = fleet.run(patience=Patience(lock_timeout=0.1, retries=2))
        assert sorted(report.migrated) == sorted([schemas[0], schemas[2]])
        assert [(result.schema, "55P03" in result.error) for result in report.failed] == [(schemas[1], True)]
    assert fleet.run().migrated == [schemas[1]]


@pytest.mark.deep
def test_a_reader_that_ends_in_time_is_no_failure(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    (schema,) = fleet.libraries(1)
    fleet.deploy(ADD_FIELD)
    reading, done, attempts = threading.Event(), threading.Event(), []

    def pause(attempt: int) -> None:
        attempts.append(attempt)
        if attempt == 1:
            done.set()
            thread.join()

    monkeypatch.setattr(applying, "pause", pause)

    def read() -> None:
        with fleet.reader(schema, "branches_branch"):
            reading.set()
            done.wait(30)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        assert reading.wait(10)
        report = fleet.run(patience=Patience(lock_timeout=0.1, retries=3))
    finally:
        done.set()
        thread.join()
    assert (report.migrated, attempts) == ([schema], [0, 1])
    assert fleet.error_of(schema) == ""


@pytest.mark.deep
def test_what_is_wrong_for_everybody_stops_at_the_canaries(fleet: Fleet) -> None:
    schemas = fleet.libraries(5)
    for schema in schemas:
        add_branches(fleet, schema, "Main")
    fleet.deploy(WRONG)
    report = fleet.run()
    assert report.migrated == []
    assert len(report.failed) == 3
    assert sorted(report.not_tried) == sorted(set(schemas) - {result.schema for result in report.failed})
    assert not report.succeeded
    assert len(fleet.run(canary=False).failed) == 5


def test_a_spare_is_tried_first_and_spent(fleet: Fleet) -> None:
    """Its starting rows are those of the release before: at the new one, nobody may claim it."""
    schemas = fleet.libraries(2)
    spares = sorted(fleet.spare() for _each in range(2))
    before = fleet.release_of(spares[1])
    fleet.deploy(ADD_FIELD)
    report = fleet.run()
    assert (sorted(report.migrated), report.unchanged) == (sorted(schemas), 0)
    assert not LibrarySchema.objects.filter(pk=spares[0]).exists()
    assert fleet.ask("SELECT 1 FROM pg_namespace WHERE nspname = %s", [spares[0]]) == []
    assert fleet.release_of(spares[1]) == before
    assert "floor" not in fleet.columns(spares[1], "branches_branch")
    with transaction.atomic():
        assert claim_schema() is None


@pytest.mark.deep
def test_a_spare_that_fails_counts_as_a_canary(fleet: Fleet) -> None:
    schemas = fleet.libraries(4)
    spare = fleet.spare()
    for schema in (*schemas, spare):
        add_branches(fleet, schema, "Main")
    fleet.deploy(WRONG)
    report = fleet.run()
    assert len(report.failed) == 3
    assert report.failed[0].schema == spare
    assert len(report.not_tried) == 2
    assert fleet.release_of(spare) != current_key()


@pytest.mark.deep
def test_a_spare_that_is_claimed_meanwhile_is_left_to_its_library(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that still runs the old code may give it away while the new code tries its script on it."""
    fleet.libraries(1)
    spare = fleet.spare()
    fleet.deploy(ADD_FIELD)
    apply = Applier.apply

    def claimed_first(self: Any, step: Any, schema: str) -> Any:
        if schema == spare:
            with connect() as other:
                other.execute("UPDATE fleet_libraryschema SET state = 'taken' WHERE name = %s", [spare])
        return apply(self, step, schema)

    monkeypatch.setattr(Applier, "apply", claimed_first)
    fleet.run()
    row = LibrarySchema.objects.get(pk=spare)
    assert (row.state, row.release) == ("taken", current_key())
    assert "floor" in fleet.columns(spare, "branches_branch")


@pytest.mark.deep
def test_a_library_that_cannot_be_a_canary_stops_nobody(fleet: Fleet) -> None:
    """The first one has bad rows, the second one is locked: neither speaks against the third."""
    schemas = sorted(fleet.libraries(5))
    add_branches(fleet, schemas[0], "Twins", "Twins")
    fleet.deploy(UNIQUE_NAMES)
    with fleet.reader(schemas[1], "branches_branch"):
        report = fleet.run()
    assert sorted(report.migrated) == schemas[2:]
    assert (len(report.failed), report.not_tried) == (2, [])


@pytest.mark.deep
def test_python_that_raises_in_one_library_stops_nobody(fleet: Fleet) -> None:
    schemas = fleet.libraries(3)
    add_branches(fleet, schemas[1], "Main")
    body = (
        "def fill(apps, editor):\n"
        "    if apps.get_model('branches', 'Branch').objects.using(editor.connection.alias).exists():\n"
        "        raise ValueError('no branches, please')\n"
    )
    fleet.deploy(ADD_FIELD, "migrations.RunPython(fill)", before=body)
    report = fleet.run()
    assert sorted(report.migrated) == sorted([schemas[0], schemas[2]])
    assert [(result.schema, result.error) for result in report.failed] == [
        (schemas[1], "no branches, please")
    ]
    assert "floor" not in fleet.columns(schemas[1], "branches_branch")
    fleet.tell(schemas[1], "DELETE FROM branches_branch")
    assert fleet.run().migrated == [schemas[1]]


@pytest.mark.deep
def test_python_that_raises_everywhere_stops_after_the_first_ones(fleet: Fleet) -> None:
    schemas = fleet.libraries(5)
    body = (
        "def fill(apps, editor):\n"
        "    if apps.get_model('branches', 'Branch').objects.using(editor.connection.alias).exists():\n"
        "        raise ValueError('no branches, please')\n"
    )
    for schema in schemas:
        add_branches(fleet, schema, "Main")
    fleet.deploy("migrations.RunPython(fill)", before=body)
    report = fleet.run()
    assert (len(report.failed), len(report.not_tried), report.unchanged) == (3, 2, 0)
    assert report.migrated == []


@pytest.mark.deep
@pytest.mark.parametrize(
    "operation",
    ["migrations.RunSQL('SELECT no_such_column')", "migrations.RunPython(lambda apps, editor: 1 / 0)"],
)
def test_a_release_that_cannot_be_built_is_named_and_no_library_is_tried(
    fleet: Fleet, operation: str
) -> None:
    schemas = fleet.libraries(2)
    before = fleet.release_of(schemas[0])
    fleet.deploy(operation)
    report = fleet.run()
    assert [result.schema for result in report.failed] == ["(the template of new libraries)"]
    assert ("no_such_column" in report.failed[0].error) or ("division" in report.failed[0].error)
    assert (sorted(report.not_tried), report.migrated, report.unchanged) == (sorted(schemas), [], 0)
    assert {fleet.release_of(schema) for schema in schemas} == {before}
    assert fleet.ask("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'release%'") == []


@pytest.mark.deep
def test_a_lost_connection_is_opened_anew(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = fleet.libraries(3)
    fleet.deploy(ADD_FIELD)
    sent, apply = [], Applier.apply

    def cut_first(self: Any, step: Any, schema: str) -> Any:
        if not sent:
            sent.append(schema)
            pid = self._connected().info.backend_pid
            with connect() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
        return apply(self, step, schema)

    monkeypatch.setattr(Applier, "apply", cut_first)
    report = fleet.run()
    assert sorted(report.migrated) == sorted(schemas)
    assert all(result.outcome is Outcome.MIGRATED for result in fleet.watcher.results)


@pytest.mark.deep
@pytest.mark.parametrize(
    ("drift", "named"),
    [
        (
            "ALTER TABLE branches_branch ALTER name SET DEFAULT 'Main'",
            "column branches_branch.name: default is",
        ),
        (
            "ALTER TABLE branches_branch DROP CONSTRAINT branches_branch_version_check,"
            " ADD CONSTRAINT branches_branch_version_check CHECK (version >= -1)",
            "constraint branches_branch.branches_branch_version_check: definition is",
        ),
        (
            'ALTER TABLE branches_branch ALTER name TYPE varchar(200) COLLATE "C"',
            "column branches_branch.name: collation is",
        ),
    ],
    ids=["a default", "a rule", "a collation"],
)
def test_drift_that_leaves_every_name_and_type_alone_is_named_too(
    fleet: Fleet, drift: str, named: str
) -> None:
    good, drifted = fleet.libraries(2)
    fleet.tell(drifted, drift)
    (found,) = verify_fleet((good, drifted), progress=lambda done, total: None)
    assert found.schema == drifted
    assert any(named in line for line in found.differences)


@pytest.mark.deep
def test_the_verify_report_says_what_differs(fleet: Fleet) -> None:
    good, drifted, renumbered = fleet.libraries(3)
    fleet.tell(drifted, "ALTER TABLE branches_branch ADD COLUMN floor text")
    fleet.tell(
        renumbered, "UPDATE auth_permission SET id = 9999 WHERE id = (SELECT max(id) FROM auth_permission)"
    )
    seen: list[tuple[int, int]] = []
    drifts = {
        drift.schema: drift.differences for drift in verify_fleet(progress=lambda *done: seen.append(done))
    }
    assert set(drifts) == {drifted, renumbered}
    assert any("floor" in line for line in drifts[drifted])
    assert any("9999" in line for line in drifts[renumbered])
    assert good not in drifts
    assert seen[-1] == (3, 3)


def test_statements_are_flat_in_the_fleet(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that finds nothing is one query; each library is one message; whatever the size of the fleet."""
    import psycopg

    counts: dict[str, int] = {}
    execute = psycopg.ClientCursor.execute

    def counted(self: Any, query: Any, *args: Any, **options: Any) -> Any:
        counts["sent"] = counts.get("sent", 0) + 1
        return execute(self, query, *args, **options)

    monkeypatch.setattr(psycopg.ClientCursor, "execute", counted)

    def sent(**options: Any) -> int:
        counts.clear()
        fleet.run(patience=IMPATIENT, **options)
        return counts.get("sent", 0)

    fleet.libraries(2)
    assert sent() == 1
    fleet.deploy(ADD_FIELD)
    few = sent()
    fleet.libraries(6)
    assert sent() == 1
    fleet.deploy(ADD_FIELD.replace("floor", "storey"))
    assert sent() - few == 6, "six more libraries are six more messages"


def test_retries_wait_longer_and_never_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    for attempt in (0, 0, 0, 5, 20):
        applying.pause(attempt)
    assert len(set(waits)) == 5
    assert max(waits[:3]) <= 0.15
    assert waits[3] >= 1.5
    assert waits[4] <= 4.5
