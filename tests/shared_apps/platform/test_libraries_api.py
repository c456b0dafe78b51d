"""GET /api/v1/platform/libraries/: the fleet, for staff."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.tenants.models import Library
from tests.factories import StaffRoleFactory

URL = "/api/v1/platform/libraries/"


@pytest.fixture
def staff(db: None) -> User:
    return StaffRoleFactory(role="support").user


def make_library(name: str, **fields: Any) -> Library:
    moment = fields.pop("created_at", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    return Library.objects.create(
        id=uuid.uuid4(),
        schema_name=f"lib_{name}",
        subdomain=name,
        name=name.title(),
        created_at=moment,
        **{"status": "active", **fields},
    )


def test_staff_see_every_library_newest_first(public_api: Any, staff: User) -> None:
    make_library("oldest", created_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    make_library("newest", created_at=dt.datetime(2999, 1, 1, tzinfo=dt.UTC), status="suspended", plan="pro")
    answer = public_api(staff).get(URL)
    assert answer.status_code == 200
    rows = answer.json()["results"]
    assert rows[0]["subdomain"] == "newest"
    assert rows[-1]["subdomain"] == "oldest"
    assert {"north", "south"} < {row["subdomain"] for row in rows}
    assert rows[0] | {"id": ""} == {
        "id": "",
        "name": "Newest",
        "subdomain": "newest",
        "url": "http://newest.localhost:8000/",
        "status": "suspended",
        "plan": "pro",
        "country": "",
        "language": "en",
        "time_zone": "UTC",
        "created_at": "2999-01-01T00:00:00Z",
        "closed_at": None,
    }


def test_pages_follow_each_other_without_gap_or_repeat(public_api: Any, staff: User) -> None:
    for number in range(5):
        make_library(f"branch{number}")
    client, seen, address = public_api(staff), [], f"{URL}?page_size=3"
    while address:
        page = client.get(address).json()
        seen += [row["subdomain"] for row in page["results"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) == Library.objects.count()


def test_filter_and_order(public_api: Any, staff: User) -> None:
    make_library("zebra", status="closed")
    make_library("aardvark", status="closed")
    client = public_api(staff)
    rows = client.get(f"{URL}?status=closed&ordering=subdomain").json()["results"]
    assert [row["subdomain"] for row in rows] == ["aardvark", "zebra"]
    assert client.get(f"{URL}?status=asleep").json()["code"] == "invalid_parameter"
    assert client.get(f"{URL}?ordering=name").json()["code"] == "invalid_parameter"
    assert client.get(f"{URL}?search=x").json()["code"] == "unknown_parameter"


def test_the_list_costs_the_same_for_few_and_for_many(
    public_api: Any, staff: User, django_assert_num_queries: Any
) -> None:
    client = public_api(staff)
    client.get(URL)
    for number in range(4):
        with django_assert_num_queries(2):  # the caller with their rights, the page
            assert client.get(URL).status_code == 200
        make_library(f"more{number}")


def test_others_are_refused(public_api: Any, db: None) -> None:
    assert public_api().get(URL).status_code == 401
    ordinary = User.objects.create_user("someone@platform.example", "correct-horse-battery")
    assert public_api(ordinary).get(URL).status_code == 403
    without_role = User.objects.create_user("new@platform.example", "correct-horse-battery", is_staff=True)
    assert public_api(without_role).get(URL).status_code == 403
    gone = StaffRoleFactory(role="billing").user
    client = public_api(gone)
    assert client.get(URL).status_code == 200
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert client.get(URL).status_code == 401


def test_a_librarys_admin_gets_in_neither_here_nor_there(api: Any, public_api: Any, north: Any) -> None:
    admin = api(north, "admin")
    assert admin.get(URL).status_code == 404
    credentials = admin._credentials
    stranger = public_api()
    stranger.credentials(**credentials)
    assert stranger.get(URL).status_code == 401


def test_only_reading(public_api: Any, staff: User) -> None:
    before = Library.objects.count()
    for method in ("post", "put", "patch", "delete"):
        assert getattr(public_api(staff), method)(URL, {}).status_code == 405
    assert Library.objects.count() == before
