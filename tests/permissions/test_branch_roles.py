"""A librarian of one branch: the rows of that branch, and of no other, whatever the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.access.models import Role
from tests import factories
from tests.conftest import client_for
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def branch_scene(scenes: Scenes) -> dict[str, Any]:
    """Rows at the librarian's own branch and at the main one, and a client signed in as that librarian."""
    north = scenes.north
    with in_library(north.library):
        role = Role.objects.get(code="librarian")
        user = factories.RoleAssignmentFactory(role=role, branch=north.branch).user
        here = factories.CardFactory(patron__home_branch=north.branch)
        own_copy = factories.CopyFactory(home_branch=north.branch)
        own_loan = factories.LoanFactory(copy__home_branch=north.branch, card=here)
    return {
        "client": client_for(north.library, user),
        "own": {"patron": here.patron, "copy": own_copy, "loan": own_loan, "card": here},
        "other": {"patron": north.patron, "copy": north.copy, "loan": north.loan, "card": north.card},
        "branch": north.branch.code,
    }


READS: dict[str, Callable[[dict[str, Any]], str]] = {
    "patron": lambda rows: f"/api/v1/patrons/{rows['patron'].pk}/",
    "patron by card": lambda rows: f"/api/v1/patrons/by-card/{rows['card'].number}/",
    "loans of a patron": lambda rows: f"/api/v1/patrons/{rows['patron'].pk}/loans/",
    "loan": lambda rows: f"/api/v1/loans/{rows['loan'].pk}/",
}


@pytest.mark.parametrize("path", READS.values(), ids=READS.keys())
def test_rows_of_the_own_branch_are_found_and_others_are_not(
    branch_scene: dict[str, Any], path: Callable[[dict[str, Any]], str]
) -> None:
    client = branch_scene["client"]
    assert client.get(path(branch_scene["own"])).status_code == 200
    answer = client.get(path(branch_scene["other"]))
    assert answer.status_code == 404
    assert answer.json()["code"] == (
        "unknown_card" if "by-card" in path(branch_scene["other"]) else "not_found"
    )


@pytest.mark.parametrize("path", ["/api/v1/patrons/", "/api/v1/loans/"])
def test_lists_hold_the_own_branch_alone(branch_scene: dict[str, Any], path: str) -> None:
    rows = branch_scene["client"].get(path).json()["results"]
    kind = "patron" if "patrons" in path else "loan"
    assert [row["id"] for row in rows] == [str(branch_scene["own"][kind].pk)]


def writes(scene: dict[str, Any], rows: dict[str, Any], branch: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The desk's writes, for rows and a branch: method, path, body."""
    patron = {"name": "Ada", "category": "adult", "home_branch": branch, "card_numbers": []}
    copy = {"title": str(rows["copy"].title_id), "barcode": factories.unique("5000"), "item_type": "book"}
    return [
        ("POST", "/api/v1/patrons/", patron),
        ("PATCH", f"/api/v1/patrons/{rows['patron'].pk}/", {"name": "Renamed"}),
        ("POST", "/api/v1/copies/", {**copy, "home_branch": branch}),
        ("PATCH", f"/api/v1/copies/{rows['copy'].pk}/", {"call_number": "1"}),
        ("POST", "/api/v1/returns/", {"copy_barcode": rows["loan"].copy.barcode, "branch": branch}),
        (
            "POST",
            "/api/v1/loans/",
            {"copy_barcode": rows["copy"].barcode, "card_number": rows["card"].number, "branch": branch},
        ),
    ]


@pytest.mark.parametrize("at", range(6))
def test_writes_at_the_own_branch_are_taken(branch_scene: dict[str, Any], at: int) -> None:
    method, path, body = writes(branch_scene, branch_scene["own"], branch_scene["branch"])[at]
    answer = getattr(branch_scene["client"], method.lower())(
        path, body, format="json", headers={"if-match": "*"}
    )
    assert answer.status_code in (200, 201), answer.content


@pytest.mark.parametrize("at", range(6))
def test_writes_at_another_branch_are_refused_and_change_nothing(
    branch_scene: dict[str, Any], at: int
) -> None:
    method, path, body = writes(branch_scene, branch_scene["other"], "main")[at]
    before = snapshot("lib_north")
    answer = getattr(branch_scene["client"], method.lower())(
        path, body, format="json", headers={"if-match": "*"}
    )
    assert answer.status_code in (403, 404), answer.content
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/item-types/", {"code": "maps", "name": "Maps"}),
        ("/api/v1/patron-categories/", {"code": "guild", "name": "Guild"}),
    ],
)
def test_what_is_the_librarys_is_not_a_branchs(
    branch_scene: dict[str, Any], path: str, body: dict[str, str]
) -> None:
    before = snapshot("lib_north")
    assert branch_scene["client"].post(path, body, format="json").status_code == 403
    assert differences(before, snapshot("lib_north")) == {}
