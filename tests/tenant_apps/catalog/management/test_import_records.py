"""`manage.py import_records`: the same import from a shell, also after kill -9."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection

from saas.core.tenancy import in_library
from tenant_apps.catalog import services
from tenant_apps.catalog.management.commands import import_records
from tenant_apps.catalog.models import ImportJob, ImportRecord, Title
from tests.tenant_apps.catalog.records import marc, marc_file, request

PROJECT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    path = tmp_path / "books.mrc"
    path.write_bytes(marc_file(3) + b"not a record\x1d")
    return path


def command(*args: Any, **options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("import_records", *map(str, args), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_report(north: Any, books: Path) -> None:
    out, err = command("north", books)
    assert "books.mrc: 4 records read: 3 created, 0 updated, 0 unchanged, 1 rejected." in out
    assert "record 4 at byte" in out
    assert err == ""
    assert "0 created, 0 updated, 3 unchanged, 1 rejected" in command("north", books)[0]
    with in_library(north):
        assert Title.objects.count() == 3


def test_the_job_as_json(north: Any, books: Path) -> None:
    job = json.loads(command("north", books, "--json")[0])
    assert (job["state"], job["total"], job["created"], job["rejected"]) == ("done", 4, 3, 1)


def test_a_dry_run_writes_nothing(north: Any, books: Path) -> None:
    assert "dry run: nothing was written" in command("north", books, "--dry-run")[0]
    with in_library(north):
        assert not Title.objects.exists()


def test_a_terminal_gets_a_bar(north: Any, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_records.Command, "_is_terminal", lambda self: True)
    assert "3 created" in command("north", books)[0]


@pytest.mark.parametrize(
    ("subdomain", "content", "message"),
    [
        ("nowhere", b"x", "no library"),
        ("north", None, "Cannot read"),
        ("north", b"", "empty"),
        ("north", b"PK\x03\x04", "not MARC 21"),
    ],
)
def test_mistakes_are_one_clear_sentence(
    north: Any, tmp_path: Path, subdomain: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=message):
        command(subdomain, path)


def test_a_library_that_is_not_open_takes_no_import(north: Any, books: Path) -> None:
    from saas.core.tenancy import in_public
    from shared_apps.tenants.models import Library

    with in_public():
        Library.objects.filter(subdomain="north").update(status="suspended")
    with pytest.raises(CommandError, match="suspended"):
        command("north", books)


def test_a_failed_import_prints_its_job_too(north: Any, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"just text")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("import_records", "north", str(path), "--json", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == "not_marc"


def test_an_import_that_another_has_begun_is_gone_on_with(
    north: Any, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_library(north):
        job = request(books.read_bytes())  # long ago by the real clock: its runner is gone
        ImportJob.objects.filter(pk=job.pk).update(state="running")
    out, err = command("north", books)
    assert "has begun already" in err
    assert "3 created" in out


def test_it_waits_while_another_process_is_at_it(
    north: Any, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with in_library(north):
        job = request(books.read_bytes())
        ImportJob.objects.filter(pk=job.pk).update(state="running", heartbeat_at=dt.datetime.now(dt.UTC))

    def other_process(_seconds: float) -> None:
        ImportJob.objects.filter(pk=job.pk).update(state="queued")

    monkeypatch.setattr(import_records.time, "sleep", other_process)
    assert "3 created" in command("north", books)[0]


# -- killed for real --------------------------------------------------------------------------------------------------


def start(subdomain: str, file: Path, media: Path) -> subprocess.Popen[bytes]:
    code = (
        "import django, os; from django.conf import settings; django.setup();"
        f"settings.DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r};"
        f"settings.MEDIA_ROOT = {str(media)!r};"
        "from tenant_apps.catalog.services.imports import runner; runner.BATCH_SIZE = 20;"
        "from django.core.management import call_command;"
        f"call_command('import_records', {subdomain!r}, {str(file)!r}, '--json')"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "saas.settings.test"}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.deep
@pytest.mark.slow
def test_kill_9_loses_nothing_and_doubles_nothing(committed_library: Any, tmp_path: Path) -> None:
    """A process that imports is killed while it writes; a second run goes on and counts each record once."""
    count = 3_000
    file, media = tmp_path / "many.mrc", Path(django_settings.MEDIA_ROOT)
    file.write_bytes(marc_file(count) + marc("Title 1, again", control_number="n1"))
    process = start(committed_library.subdomain, file, media)
    with in_library(committed_library):
        seen = _wait_for_progress(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        job = ImportJob.objects.get()
        assert job.state == "running"
        assert seen <= job.total < count, "killed in the middle"
        assert job.total == ImportRecord.objects.count() == Title.objects.count()
        # A minute passes.
        past = job.heartbeat_at - dt.timedelta(minutes=2)
        ImportJob.objects.update(heartbeat_at=past)
    out, _ = command(committed_library.subdomain, file, "--json")
    finished = json.loads(out)
    assert finished["id"] == str(job.pk)
    assert (finished["state"], finished["created"], finished["updated"]) == ("done", count, 1)
    with in_library(committed_library):
        assert Title.objects.count() == count
        assert ImportRecord.objects.count() == count + 1
        assert ImportRecord.objects.values("number").distinct().count() == count + 1
        assert services.resume_stalled_imports(now=dt.datetime.now(dt.UTC) + dt.timedelta(days=1)) == []


def _wait_for_progress(process: subprocess.Popen[bytes]) -> int:
    """Records written once the process has written some; fails with its words if it ended."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        total = ImportRecord.objects.count()
        if total >= 100:
            return total
        assert process.poll() is None, process.communicate()[1].decode()[-2_000:]
        time.sleep(0.02)
    raise AssertionError("the import did not get under way")
