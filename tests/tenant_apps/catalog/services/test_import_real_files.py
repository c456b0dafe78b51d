"""Real files through the import: everything read is accounted for, and the second time changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from tenant_apps.catalog import services
from tenant_apps.catalog.models import ImportJob, ImportRecord, Title
from tests.tenant_apps.catalog.records import counts

pytestmark = pytest.mark.deep

CHUNK = 64 * 1024


@pytest.fixture(autouse=True)
def _own_media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def import_file(path: Path) -> ImportJob:
    with path.open("rb") as stream:
        chunks = iter(lambda: stream.read(CHUNK), b"")
        job = services.request_import(chunks=chunks, file_name=path.name, by=SYSTEM, now=clock.now())
    services.run_import(import_id=job.pk, clock=clock.now)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nlnz_1000.mrc", (1_001, 0, 0, 0)),
        ("uva_2000.mrc", (2_000, 0, 0, 0)),
        ("eg_FSL.mrc", (52, 0, 0, 0)),
        ("bad_hathi.mrc", (4, 0, 0, 1)),
        ("eg_auth-1066.mrc", (0, 0, 0, 1_066)),
        ("solrmarc_spec.mrc", (76, 0, 0, 0)),
    ],
)
def test_a_real_file_is_accounted_for(
    in_north: Any, test_data: Path, name: str, expected: tuple[int, int, int, int]
) -> None:
    first = import_file(test_data / "marc" / name)
    assert (first.state, counts(first)) == ("done", expected)
    assert first.total == sum(expected) == ImportRecord.objects.filter(job=first).count()
    assert Title.objects.count() == first.created
    assert not ImportRecord.objects.filter(job=first, outcome="rejected", code="").exists()
    kept = expected[0]
    assert counts(import_file(test_data / "marc" / name)) == (0, 0, kept, expected[3])
    assert Title.objects.count() == kept


def test_authority_records_are_named_as_such(in_north: Any, test_data: Path) -> None:
    job = import_file(test_data / "marc" / "eg_auth-1066.mrc")
    assert set(job.records.values_list("code", flat=True)) == {"authority_record"}


@pytest.mark.parametrize("folder", ["pymarc/test", "yaz/test"])
def test_hostile_files_end_as_done_or_as_not_marc(in_north: Any, test_data: Path, folder: str) -> None:
    files = [path for path in sorted((test_data / "badinput" / "marc" / folder).rglob("*")) if path.is_file()]
    assert files
    for path in files:
        if path.stat().st_size == 0:
            continue
        job = import_file(path)
        assert job.state == "done" or job.error_code == "not_marc", path.name
        assert job.total == ImportRecord.objects.filter(job=job).count(), path.name
