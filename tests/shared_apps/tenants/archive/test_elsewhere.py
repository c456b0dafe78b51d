"""From one installation to another and out again, by the command line: the same bytes but for the manifest's time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from saas.core.tenancy import LibraryContext
from tests import database
from tests.shared_apps.tenants.archive.conftest import Answer
from tests.shared_apps.tenants.archive.processes import PROJECT, environment, media_of
from tests.shared_apps.tenants.archive.synthetic import contents_of

pytestmark = [pytest.mark.deep, pytest.mark.slow]


@pytest.fixture
def elsewhere(source: LibraryContext, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`elsewhere("import", ...)`: the answer of `manage.py library ... --json` at an installation without libraries."""
    name = f"{connection.settings_dict['NAME']}_elsewhere"
    with database.maintenance_connection() as server:
        database.copy_template(server, name)
    env = environment(database=name, data=tmp_path / "elsewhere")

    def run(*args: object) -> Any:
        command = [sys.executable, "manage.py", "library", *map(str, args), "--json"]
        done = subprocess.run(
            command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    made: list[str] = []

    def remembered(*args: object) -> Any:
        answer = run(*args)
        made.extend(name for name in [answer.get("schema")] if name)
        return answer

    yield remembered
    with database.maintenance_connection() as server:
        database.drop(server, name)
        for role in made:
            server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def test_there_and_out_again(
    source: LibraryContext,
    archive: Path,
    tmp_path: Path,
    elsewhere: Callable[..., Any],
    library_command: Callable[..., Answer],
) -> None:
    answer = elsewhere("import", archive, "--subdomain", "east")
    assert (answer["kept_id"], answer["id"]) == (True, str(source.id))
    assert answer["schema"] != source.schema_name
    stored = media_of(tmp_path / "elsewhere") / answer["schema"]
    assert sum(1 for path in stored.rglob("*") if path.is_file()) == answer["files"] == 4
    second = elsewhere("export", "east", tmp_path / "second.tar")
    assert second["seal"] == answer["seal"]
    first, again = contents_of(archive.read_bytes()), contents_of((tmp_path / "second.tar").read_bytes())
    manifests = [json.loads(each.pop("manifest.json")) for each in (first, again)]
    assert first == again
    times = [manifest.pop("made") for manifest in manifests]
    assert times[0]["at"] < times[1]["at"]
    assert manifests[0] == manifests[1]
    # And to the byte: with the first one's time, the second file is the first.
    old, new = archive.read_bytes(), (tmp_path / "second.tar").read_bytes()
    for part in ("at", "check"):
        new = new.replace(times[1][part].encode(), times[0][part].encode())
    assert new == old
