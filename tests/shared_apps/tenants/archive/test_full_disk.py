"""A database server whose disk really fills up while an archive is imported: rolled back, named, and repeatable.

A server of the test's own keeps its database on a small file system in memory, which only it can see (a mount
namespace); its log and everything else lie on the ordinary disk, as on a server with a volume for its tables.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from saas.core.tenancy import LibraryContext, in_library
from tests.shared_apps.tenants.archive.conftest import Answer
from tests.shared_apps.tenants.archive.processes import PROJECT, media_of

pytestmark = [pytest.mark.deep, pytest.mark.slow]
SIZE, LEFT = 160 * 2**20, 12 * 2**20
MIGRATE = """
import django
django.setup()
from saas.core.db.owner import owner_connection
from saas.core.db.roles import prepare_database
from shared_apps.fleet.services import migrate_schema_ordinarily
with owner_connection() as owner:
    with owner.cursor() as cursor:
        prepare_database(cursor)
    migrate_schema_ordinarily(owner, "public")
"""
# 24 MB that do not compress; `n` makes each row's text its own.
BULK = """
    INSERT INTO audit_auditentry (at, action, target_type, target_id, actor_kind, actor_label, request_id, changes)
    SELECT now(), 'bulk.made', '', '', 'system', '', '',
           jsonb_build_object('text', (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 250 + n * 0)))
    FROM generate_series(1, 3000) n
"""


@dataclass(frozen=True)
class SmallServer:
    """`volume` is the folder of the database's files, as other processes reach it."""

    env: dict[str, str]
    volume: Path
    data: Path

    def library(self, *args: object) -> tuple[int, Any]:
        """Exit code and answer of `manage.py library ... --json`."""
        command = [sys.executable, "manage.py", "library", *map(str, args), "--json"]
        done = subprocess.run(
            command, cwd=PROJECT, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def everything(self) -> dict[str, Any]:
        """Schemas, libraries, roles and files."""
        with psycopg.connect(self.env["DATABASE_OWNER_URL"]) as owner:
            found: dict[str, Any] = {
                query: owner.execute(query).fetchall()
                for query in (
                    "SELECT nspname FROM pg_namespace ORDER BY 1",
                    "SELECT rolname FROM pg_roles ORDER BY 1",
                    "SELECT * FROM public.tenants_library ORDER BY id",
                    "SELECT name, state FROM public.fleet_libraryschema ORDER BY 1",
                )
            }
        media = media_of(self.data)
        found["files"] = sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())
        return found


@pytest.fixture
def small_server(tmp_path: Path) -> Iterator[SmallServer]:
    volume, servers = tmp_path / "volume", tmp_path / "servers"
    volume.mkdir()
    mount = f'mount -t tmpfs -o size={SIZE},mode=700 tmpfs "$0" && mkdir "$0/tables" && exec "$@"'
    run = [sys.executable, "-m", "saas.embedded", "run", "--data", str(servers)]
    try:
        process = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, str(volume), *run],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _line in range(3)]
        if not all(lines):
            pytest.skip("this machine lets nobody make a mount namespace")
        urls = dict(line.split("=", 1) for line in lines)
        env = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
        env |= {**urls, "DJANGO_SETTINGS_MODULE": "saas.settings.test", "DATA_DIR": str(tmp_path / "data")}
        _put_on_the_volume(urls["DATABASE_OWNER_URL"], volume / "tables")
        subprocess.run([sys.executable, "-c", MIGRATE], cwd=PROJECT, env=env, check=True, timeout=120)
        yield SmallServer(env, Path(f"/proc/{process.pid}/root{volume}"), tmp_path / "data")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        process.stdout.close()


def _put_on_the_volume(url: str, folder: Path) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    name = parts.pop("dbname")
    with psycopg.connect(**{**parts, "dbname": "postgres"}, autocommit=True) as owner:
        owner.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        owner.execute(f'ALTER DATABASE "{name}" SET TABLESPACE small')


def test_out_of_disk_is_rolled_back_and_named(
    source: LibraryContext,
    archive: Path,
    tmp_path: Path,
    library_command: Callable[..., Answer],
    small_server: SmallServer,
) -> None:
    with in_library(source), connection.cursor() as cursor:
        cursor.execute(BULK)
    large = tmp_path / "large.tar"
    assert library_command("export", "east", large, "--json").json["bytes"] > 2 * LEFT
    assert small_server.library("import", archive, "--subdomain", "first")[0] == 0

    filler = small_server.volume / "filler"
    volume = os.statvfs(small_server.volume)
    filler.write_bytes(bytes(volume.f_bavail * volume.f_frsize - LEFT))
    before = small_server.everything()
    code, answer = small_server.library("import", large, "--subdomain", "second")
    assert (code, answer["error"]["code"]) == (3, "disk_full")
    assert "audit_auditentry" in answer["error"]["detail"]
    assert "No space left on device" in answer["error"]["detail"]
    assert small_server.everything() == before

    filler.unlink()
    assert small_server.library("import", large, "--subdomain", "second")[0] == 0
    assert small_server.everything() != before
