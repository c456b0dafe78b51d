"""Collections over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shared_apps.audit.models import AuditEntry
from tenant_apps.access.models import Role
from tenant_apps.collections.models import Collection
from tests.conftest import client_for
from tests.factories import CollectionFactory, RoleAssignmentFactory, TitleFactory
from tests.snapshots import differences, snapshot

URL = "/api/v1/collections/"
MUSIC = {"code": "music", "name": "Music library"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(in_north: Any, api: Callable[..., Any]) -> Any:
    return api(in_north, "admin")


def test_a_collection_is_made_shown_renamed_and_removed(admin: Any) -> None:
    answer = admin.post(URL, MUSIC)
    made = Collection.objects.get(code="music")
    path = f"{URL}{made.pk}/"
    assert (answer.status_code, answer.json()) == (201, {"id": str(made.pk), **MUSIC})
    shown = admin.get(path)
    assert (shown.json(), shown["ETag"]) == (answer.json(), answer["ETag"])

    renamed = admin.patch(path, {"name": "Scores"}, headers={"if-match": shown["ETag"]})

    assert (renamed.status_code, renamed.json()["name"]) == (200, "Scores")
    assert admin.patch(path, {"name": "Late"}, headers={"if-match": shown["ETag"]}).status_code == 412
    assert admin.delete(path).status_code == 428
    assert admin.delete(path, headers={"if-match": renamed["ETag"]}).status_code == 204
    assert not Collection.objects.exists()
    entries = AuditEntry.objects.filter(action__startswith="collection.").order_by("pk")
    assert [(entry.action, entry.changes) for entry in entries] == [
        ("collection.created", MUSIC),
        ("collection.changed", {"name": ["Music library", "Scores"]}),
        ("collection.deleted", {"code": "music", "name": "Scores"}),
    ]


def test_the_same_name_is_no_change(admin: Any) -> None:
    made = CollectionFactory()
    answer = admin.patch(f"{URL}{made.pk}/", {"name": made.name}, headers={"if-match": "*"})
    assert answer.status_code == 200
    assert Collection.objects.get(pk=made.pk).version == made.version


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"code": "taken"}, "collection_code_taken", "code"),
        ({"code": "two words"}, "validation_failed", "code"),
        ({"code": "x" * 41}, "validation_failed", "code"),
        ({"name": ""}, "validation_failed", "name"),
        ({"name": "x" * 201}, "validation_failed", "name"),
    ],
)
def test_a_wrong_collection_is_refused(admin: Any, more: dict[str, str], code: str, field: str) -> None:
    CollectionFactory(code="taken")
    before = snapshot("lib_north")
    answer = admin.post(URL, {**MUSIC, **more})
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize("held_by", ["title", "role"])
def test_a_collection_in_use_stays(admin: Any, held_by: str) -> None:
    made = CollectionFactory()
    if held_by == "title":
        TitleFactory(collection=made)
    else:
        RoleAssignmentFactory(collection=made)
    before = snapshot("lib_north")
    answer = admin.delete(f"{URL}{made.pk}/", headers={"if-match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (409, "collection_in_use")
    assert differences(before, snapshot("lib_north")) == {}


def test_the_list_costs_the_same_for_more(admin: Any) -> None:
    counts = []
    for _ in range(2):
        CollectionFactory.create_batch(3)
        with CaptureQueriesContext(connection) as queries:
            counts.append((len(admin.get(URL).json()["results"]), len(queries)))
    assert [rows for rows, _queries in counts] == [3, 6]
    assert counts[0][1] == counts[1][1]


def test_who_manages_one_collection_renames_that_one_and_makes_none(in_north: Any) -> None:
    own, other = CollectionFactory.create_batch(2)
    role = Role.objects.create(code="namer", name="Namer", permissions=["collections.manage"])
    client = client_for(in_north, RoleAssignmentFactory(role=role, collection=own).user)
    before = snapshot("lib_north")

    def rename(row: Any) -> int:
        sent = client.patch(f"{URL}{row.pk}/", {"name": "New"}, format="json", headers={"if-match": "*"})
        return int(sent.status_code)

    assert rename(other) == 403
    assert client.delete(f"{URL}{other.pk}/", headers={"if-match": "*"}).status_code == 403
    assert client.post(URL, MUSIC, format="json").status_code == 403
    assert differences(before, snapshot("lib_north")) == {}
    assert rename(own) == 200
