"""One code serves libraries of two releases: while a deploy goes through the fleet, some have the new columns, some not.

The release is synthetic and additive, as the first of three must be (docs/adr/0006): columns that may be null or have a
default in the database, a table, an index. The requests are the examples of the permission matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared_apps.fleet.models import LibrarySchema, Release
from shared_apps.fleet.services import current_key, current_release
from shared_apps.fleet.services.verifying import verify_fleet
from tests.database import SCHEMAS, sandbox
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.matrix import MATRIX
from tests.permissions.scenes import Scenes, open_scenes
from tests.shared_apps.fleet.services.deploys import Fleet, importable

EXPAND = {
    "accounts": 'migrations.AddField("user", "pronouns", models.CharField(max_length=40, db_default=""))',
    "branches": 'migrations.CreateModel("Shelf", [("id", models.BigAutoField(primary_key=True)),'
    ' ("branch", models.ForeignKey("branches.Branch", models.CASCADE))])',
    "catalog": 'migrations.AddField("title", "spine", models.TextField(null=True))',
    "circulation": 'migrations.AddField("loan", "desk", models.IntegerField(db_default=0)),'
    ' migrations.AddIndex("loan", models.Index(fields=["desk"], name="synthetic_loan_desk"))',
    "patrons": 'migrations.AddField("patron", "floor", models.IntegerField(db_default=1)),'
    ' migrations.AlterField("patron", "name", models.CharField(max_length=900))',
}
CASES = [
    pytest.param(endpoint, id=f"{endpoint.method}-{endpoint.path}")
    for endpoint in endpoints()
    if endpoint.site == "library"
]


@dataclass(frozen=True)
class Skew:
    """Two libraries of one database, at two releases; `release` is the key of the new one."""

    fleet: Fleet
    ahead: str
    behind: str
    release: str


@pytest.fixture(
    scope="module",
    params=["north", pytest.param("south", marks=pytest.mark.deep)],
    ids=lambda name: f"{name}-is-ahead",
)
def skew(
    request: Any, django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[Skew]:
    """One of the libraries has the new release; taken back at the end."""
    ahead, behind = SCHEMAS[request.param], SCHEMAS[{"north": "south", "south": "north"}[request.param]]
    folder = tmp_path_factory.mktemp("deploys")
    with django_db_blocker.unblock(), importable(folder):
        fleet, before = Fleet(folder), current_release()
        targets = tuple((app, max(_names(before, app))) for app in EXPAND)
        try:
            for app, operations in EXPAND.items():
                fleet.deploy(operations, app=app)
            assert fleet.run(only=(ahead,)).migrated == [ahead]
            skew = Skew(fleet, ahead, behind, current_key())
            fleet.undeploy()
            yield skew
            fleet.redeploy()
            assert fleet.run(only=(ahead,), targets=targets).migrated == [ahead]
        finally:
            fleet.undeploy()
        Release.objects.exclude(pk=before.key).delete()
        assert verify_fleet((ahead,), progress=lambda done, total: None) == []


def _names(release: Release, app: str) -> list[str]:
    pairs = (name.split(".") for name in release.migrations)
    return [name for label, name in pairs if label == app]


@pytest.fixture(scope="module")
def scenes(skew: Skew) -> Iterator[Scenes]:
    """One of everything in both libraries, made by the code under test."""
    with open_scenes() as found:
        yield found


def test_the_libraries_are_a_release_apart(skew: Skew) -> None:
    releases = {row.name: row.release for row in LibrarySchema.objects.all()}
    assert (releases[skew.ahead], releases[skew.behind]) == (skew.release, current_key())
    assert skew.release != current_key()
    for table, column in (
        ("catalog_title", "spine"),
        ("patrons_patron", "floor"),
        ("accounts_user", "pronouns"),
    ):
        assert column in skew.fleet.columns(skew.ahead, table)
        assert column not in skew.fleet.columns(skew.behind, table)


@pytest.mark.parametrize("endpoint", CASES)
def test_both_answer_alike(scenes: Scenes, endpoint: Endpoint) -> None:
    role = sorted(MATRIX["library"][endpoint.key])[0]
    shapes = []
    for scene in (scenes.north, scenes.south):
        with sandbox():
            example = scenes.example("library", endpoint.key, scene, role)
            client = scenes.client(scene, role, browser=endpoint.is_page)
            answer = send(client, endpoint.method, example)
        assert answer.status_code == example.status, getattr(answer, "content", b"")[:500]
        shapes.append(_shape(answer))
    assert shapes[0] == shapes[1]


def _shape(answer: Any) -> Any:
    """What an answer looks like, whatever its values: names and kinds of a JSON body, the type of any other."""
    kind = answer.headers.get("Content-Type", "")
    return _kinds(answer.json()) if kind.startswith("application/json") else kind


def _kinds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _kinds(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_kinds(value[0])] if value else []
    return type(value).__name__
