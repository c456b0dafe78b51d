"""GET /api/v1/platform/migrations/: each library's version and lag, for staff."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.models import User
from shared_apps.fleet.models import LibrarySchema, Release
from shared_apps.fleet.selectors import current_version
from shared_apps.fleet.services import key_of, library_migrations
from shared_apps.tenants.models import Library
from tests.factories import StaffRoleFactory

URL = "/api/v1/platform/migrations/"
FAILED_AT = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def staff(db: None) -> User:
    return StaffRoleFactory(role="support").user


@pytest.fixture
def south_is_behind(north: Any, south: Any) -> str:
    """South has failed to get the last two migrations; the version that it has kept."""
    old = list(library_migrations())[:-2]
    Release.objects.create(key=key_of(old), migrations=old, script="", fingerprint="", shape="", server=18)
    LibrarySchema.objects.filter(pk=south.schema_name).update(
        release=key_of(old), error="a column is in the way (42701)", failed_at=FAILED_AT, attempts=2
    )
    return f"{len(old)}-{key_of(old)[:8]}"


def test_every_library_with_its_version_and_lag(
    public_api: Any, staff: User, south_is_behind: str, south: Any
) -> None:
    answer = public_api(staff).get(URL)
    assert answer.status_code == 200
    rows = {row["subdomain"]: row for row in answer.json()["results"]}
    assert list(rows) == sorted(rows)
    assert (rows["north"]["version"], rows["north"]["lag"], rows["north"]["error"]) == (
        current_version(),
        0,
        "",
    )
    assert rows["south"] | {"migrated_at": ""} == {
        "id": str(south.id),
        "subdomain": "south",
        "version": south_is_behind,
        "lag": 2,
        "error": "a column is in the way (42701)",
        "attempts": 2,
        "failed_at": "2026-03-01T12:00:00Z",
        "migrated_at": "",
    }


def test_only_those_behind(public_api: Any, staff: User, south_is_behind: str) -> None:
    rows = public_api(staff).get(URL, {"behind": "true"}).json()["results"]
    assert [row["subdomain"] for row in rows] == ["south"]
    assert len(public_api(staff).get(URL, {"behind": "false"}).json()["results"]) > 1
    assert public_api(staff).get(URL, {"behind": "maybe"}).status_code == 400


def test_a_release_that_nobody_knows_has_no_lag(public_api: Any, staff: User, north: Any) -> None:
    LibrarySchema.objects.filter(pk=north.schema_name).update(release="f" * 64)
    (row,) = public_api(staff).get(URL, {"behind": "true"}).json()["results"]
    assert (row["version"], row["lag"]) == ("ffffffff", None)


def test_a_library_without_tables_is_left_out(public_api: Any, staff: User, north: Any) -> None:
    Library.objects.create(
        schema_name="lib_not_there", subdomain="empty", name="Empty", status="deleted", created_at=FAILED_AT
    )
    assert "empty" not in {row["subdomain"] for row in public_api(staff).get(URL).json()["results"]}


def test_the_queries_are_as_many_for_one_row_as_for_all(public_api: Any, staff: User, north: Any) -> None:
    client = public_api(staff)
    counts = []
    for size in (1, 4):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(client.get(URL, {"page_size": size}).json()["results"]) == size
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("who", ["nobody", "a user", "a librarian"])
def test_it_is_for_staff(public_api: Any, api: Any, north: Any, who: str) -> None:
    if who == "nobody":
        assert public_api().get(URL).status_code == 401
    elif who == "a user":
        user = User.objects.create_user("user@platform.example", "correct-horse-battery")
        assert public_api(user).get(URL).status_code == 403
    else:
        assert api(north, "admin").get(URL).status_code == 404
