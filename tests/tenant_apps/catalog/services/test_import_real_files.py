"""Real files through the import service: everything read is accounted for, and a second time changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from tenant_apps.catalog import services
from tenant_apps.catalog.models import ImportJob, ImportRecord, Title

CHUNK = 64 * 1024


def run_file(path: Path, **options: Any) -> ImportJob:
    with path.open("rb") as stream:
        job = services.request_import(
            chunks=iter(lambda: stream.read(CHUNK), b""),
            file_name=path.name,
            by=SYSTEM,
            now=clock.now(),
            **options,
        )
    services.run_import(import_id=job.pk, clock=clock.now)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("name", "read", "kept"),
    [
        ("nlnz_1000.mrc", 1_001, 1_001),
        ("uva_2000.mrc", 2_000, 2_000),
        ("eg_FSL.mrc", 52, None),
        ("bad_hathi.mrc", None, None),
        ("eg_auth-1066.mrc", 1_066, 0),
        ("eg_hebrew.mrc", 20, 20),
        ("solrmarc_spec.mrc", None, None),
    ],
)
def test_a_real_file_is_accounted_for_and_the_second_time_unchanged(
    in_north: Any, test_data: Path, name: str, read: int | None, kept: int | None
) -> None:
    first = run_file(test_data / "marc" / name)
    print(name, first.state, first.total, first.created, first.updated, first.unchanged, first.rejected)
    assert first.state == "done"
    assert first.total == ImportRecord.objects.filter(job=first).count()
    assert Title.objects.count() == first.created
