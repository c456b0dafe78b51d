"""Fleet runs that are killed, and two at once: every library is done, and done once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from shared_apps.fleet.models import LibrarySchema
from shared_apps.fleet.services import current_key
from shared_apps.fleet.services.verifying import verify_fleet
from tests.shared_apps.fleet.services.deploys import Fleet

PROJECT = Path(__file__).resolve().parents[4]
ADD_FIELD = 'migrations.AddField("branch", "floor{0}", models.IntegerField(null=True))'
ADD_INDEX = 'migrations.AddIndex("branch", models.Index(fields=["floor{0}"], name="synthetic_floor{0}"))'
ADD_ROW = (
    'migrations.RunSQL("INSERT INTO branches_branch (code, name, time_zone, version)'
    " VALUES ('by-{0}', 'Added once', 'UTC', 1)\")"
)
_SETTINGS = "from saas.settings.test import *\nMIGRATION_MODULES = {modules!r}\n"
_RUN = """
import json, sys
import django
django.setup()
from shared_apps.fleet.services.applying import Patience
from shared_apps.fleet.services.migrate import Orders, migrate_fleet
from tests.shared_apps.fleet.services.deploys import Silent


class Telling(Silent):
    def done(self, result):
        print(result.schema, flush=True)


print("ready", flush=True)
sys.stdin.readline()
orders = Orders(public=False, parallel=1, patience=Patience(lock_timeout=5, retries=5))
report = migrate_fleet(orders, Telling())
print(json.dumps([report.migrated, [result.error for result in report.failed]]))
"""


@contextmanager
def other_process(fleet: Fleet, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with the same deploy and database; it is ready, and runs the fleet when it gets a line."""
    settings = f"settings_{fleet.package}"
    (folder / f"{settings}.py").write_text(_SETTINGS.format(modules=fleet.modules))
    name = connections["owner"].settings_dict["NAME"]
    urls = {
        variable: urlsplit(os.environ[variable])._replace(path=f"/{name}").geturl()
        for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")
    }
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT)]),
        **urls,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def answer_of(process: subprocess.Popen[str]) -> Any:
    return json.loads(process.communicate(timeout=120)[0].splitlines()[-1])


def wait_for_orphans(fleet: Fleet) -> None:
    """Until the server has noticed that the killed process is gone."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        " AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 20
    while fleet.ask(query)[0][0] and time.monotonic() < deadline:
        time.sleep(0.02)


def assert_done_once(fleet: Fleet, schemas: list[str], names: list[str], codes: list[str]) -> None:
    for schema in schemas:
        assert fleet.release_of(schema) == current_key()
        assert [fleet.recorded(schema).count(name) for name in names] == [1] * len(names)
        found = fleet.ask(f"SELECT code FROM {schema}.branches_branch ORDER BY code")
        assert found == [(code,) for code in sorted(codes)]
    assert verify_fleet(progress=lambda done, total: None) == []
    left = fleet.ask(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'scratch%' OR nspname LIKE 'release%'"
    )
    assert left == []


@pytest.mark.deep
def test_two_runs_at_once_do_each_library_once(fleet: Fleet, tmp_path: Path) -> None:
    schemas = fleet.libraries(8)
    names = [fleet.deploy(ADD_FIELD.format(1), ADD_INDEX.format(1), ADD_ROW.format(1))]
    with ExitStack() as stack:
        processes = [stack.enter_context(other_process(fleet, tmp_path)) for _each in range(2)]
        for process in processes:
            start(process)
        answers: list[Any] = [answer_of(process) for process in processes]
    migrated = [schema for done, _errors in answers for schema in done]
    assert sorted(migrated) == sorted(schemas)
    assert [errors for _done, errors in answers] == [[], []]
    assert_done_once(fleet, schemas, names, ["by-1"])


@pytest.mark.deep
def test_two_runs_at_once_by_the_ordinary_path_do_each_library_once(fleet: Fleet, tmp_path: Path) -> None:
    schemas = fleet.libraries(3)
    name = fleet.deploy(
        ADD_FIELD.format(1),
        ADD_ROW.format(1),
        "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)",
    )
    with ExitStack() as stack:
        processes = [stack.enter_context(other_process(fleet, tmp_path)) for _each in range(2)]
        for process in processes:
            start(process)
        answers: list[Any] = [answer_of(process) for process in processes]
    assert sorted(schema for done, _errors in answers for schema in done) == sorted(schemas)
    assert [errors for _done, errors in answers] == [[], []]
    assert_done_once(fleet, schemas, [name], ["by-1"])


@pytest.mark.deep
def test_a_run_killed_anywhere_is_ended_by_the_next(fleet: Fleet, tmp_path: Path) -> None:
    """Twenty moments: half of them anywhere in the length of a run, half of them after some library was done."""
    schemas = fleet.libraries(8)
    names: list[str] = []
    codes: list[str] = []

    def deploy() -> None:
        number = len(names) + 1
        operations = (ADD_FIELD.format(number), ADD_INDEX.format(number), ADD_ROW.format(number))
        names.append(fleet.deploy(*operations))
        codes.append(f"by-{number}")

    deploy()
    with other_process(fleet, tmp_path) as process:
        start(process)
        begun = time.monotonic()
        answer_of(process)
        length = time.monotonic() - begun
    draw = random.Random(20)  # noqa: S311  chosen moments, no secret
    interrupted = 0
    for point in range(20):
        deploy()
        with other_process(fleet, tmp_path) as process:
            start(process)
            if point % 2:
                time.sleep(length * (point + draw.random()) / 20)
            else:
                assert process.stdout is not None
                for _library in range(draw.randint(1, len(schemas) - 2)):
                    assert process.stdout.readline().strip() in schemas
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_for_orphans(fleet)
        done = LibrarySchema.objects.filter(release=current_key()).count()
        interrupted += 0 < done < len(schemas)
        report = fleet.run()
        assert (report.failed, report.drifted) == ([], [])
        assert len(report.migrated) == len(schemas) - done
        assert_done_once(fleet, schemas, names, codes)
    assert interrupted >= 5, "too few kills fell between two libraries"
