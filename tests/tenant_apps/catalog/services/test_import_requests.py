"""Taking a file in: kept before it is promised, once at a time, and nothing kept of what is refused."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from saas.core.errors import BodyTooLarge, NotFound
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.catalog import services
from tenant_apps.catalog.errors import EmptyFile, ImportFinished, ImportInProgress
from tenant_apps.catalog.models import ImportJob
from tenant_apps.catalog.services.imports.upload import clean_file_name
from tests.tenant_apps.catalog.records import NOW, marc_file, request, run


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def stored_files() -> list[Path]:
    return [path for path in Path(default_storage.path("")).rglob("*") if path.is_file()]


def test_a_file_is_kept_under_a_name_of_ours(in_north: Any, tmp_path: Path) -> None:
    data = marc_file(2)
    job = request(data, file_name="../../etc/passwd\n.mrc")
    (path,) = stored_files()
    assert path.read_bytes() == data
    assert path.parent == tmp_path / "lib_north" / "imports"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (job.file_name, job.file_size) == ("passwd .mrc", len(data))
    assert job.file_sha256 == hashlib.sha256(data).hexdigest()
    assert "passwd" not in job.file


def test_the_work_is_in_the_outbox_and_the_log(in_north: Any) -> None:
    job = request(marc_file(1))
    message = OutboxMessage.objects.get(kind="import.requested")
    assert message.payload == {"import_id": job.pk}
    assert AuditEntry.objects.get(action="import.requested").target_id == str(job.pk)


def test_a_command_starts_its_import_itself(in_north: Any) -> None:
    request(marc_file(1), in_background=False)
    assert not OutboxMessage.objects.filter(kind="import.requested").exists()


def test_an_empty_file_leaves_nothing(in_north: Any) -> None:
    with pytest.raises(EmptyFile):
        request(b"")
    assert not ImportJob.objects.exists()
    assert stored_files() == []


def test_a_file_beyond_the_limit_leaves_nothing(in_north: Any, settings: Any) -> None:
    settings.IMPORT_MAX_BYTES = 100
    assert request(b"x" * 100).file_size == 100
    with pytest.raises(BodyTooLarge):
        request(b"y" * 101)
    assert ImportJob.objects.count() == 1
    assert len(stored_files()) == 1


def test_a_source_that_breaks_off_leaves_nothing(in_north: Any) -> None:
    def chunks() -> Any:
        yield b"half"
        raise OSError("connection reset")

    with pytest.raises(OSError, match="connection reset"):
        services.request_import(chunks=chunks(), file_name="a", by=SYSTEM, now=NOW)
    assert stored_files() == []


def test_the_same_file_waits_or_runs_once(in_north: Any) -> None:
    first = request(marc_file(1))
    with pytest.raises(ImportInProgress) as refused:
        request(marc_file(1), file_name="other.mrc")
    assert refused.value.extension_members["import_id"] == str(first.pk)
    assert ImportJob.objects.count() == 1
    assert len(stored_files()) == 1
    assert request(marc_file(1), dry_run=True).pk != first.pk, "a dry run is another question"


def test_the_same_file_in_another_library_is_its_own(in_north: Any, south: Any) -> None:
    request(marc_file(1))
    with in_library(south):
        assert request(marc_file(1)).state == "queued"


def test_a_waiting_import_is_cancelled_at_once(in_north: Any) -> None:
    job = services.cancel_import(import_id=request(marc_file(1)).pk, by=SYSTEM, now=NOW)
    assert (job.state, job.finished_at) == ("cancelled", NOW)
    services.run_import(import_id=job.pk, clock=lambda: NOW)
    job.refresh_from_db()
    assert (job.state, job.total) == ("cancelled", 0)
    assert services.cancel_import(import_id=job.pk, by=SYSTEM, now=NOW).state == "cancelled"
    assert AuditEntry.objects.filter(action="import.cancelled").count() == 1


def test_what_has_ended_is_not_cancelled(in_north: Any) -> None:
    job = run(marc_file(1))
    with pytest.raises(ImportFinished):
        services.cancel_import(import_id=job.pk, by=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        services.cancel_import(import_id=job.pk + 1, by=SYSTEM, now=NOW)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("records.mrc", "records.mrc"),
        ("C:\\Users\\me\\new books.mrc", "new books.mrc"),
        ("/", "file"),
        ("", "file"),
        ("a\u202egpj.mrc\x00", "a gpj.mrc"),
        ("x" * 400, "x" * 255),
    ],
)
def test_file_names_are_fit_to_show(given: str, shown: str) -> None:
    assert clean_file_name(given) == shown
