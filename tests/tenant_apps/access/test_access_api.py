"""The caller, roles and assignments over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.branches.models import Branch
from tenant_apps.patrons.models import Card, Patron, PatronCategory

pytestmark = pytest.mark.django_db
ME, ROLES, ASSIGNMENTS = "/api/v1/me/", "/api/v1/roles/", "/api/v1/role-assignments/"


def user_id(library: Any, role: str) -> str:
    with in_library(library):
        return str(User.objects.get(email=f"{role}@{library.subdomain}.example").pk)


def statements(client: Any, path: str) -> list[str]:
    """The statements that a GET sends, without those that choose the schema (speed, not rows: counted elsewhere)."""
    with CaptureQueriesContext(connection) as sent:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in sent if not query["sql"].startswith("SET search_path")]


def assignments(library: Any) -> list[Any]:
    with in_library(library):
        return list(RoleAssignment.objects.order_by("id").values())


# -- me -------------------------------------------------------------------------------------------------------


def test_me_says_who_calls_and_what_they_may_do(api: Any, north: Any) -> None:
    answer = api(north, "admin").get(ME).json()
    assert answer == {
        "id": user_id(north, "admin"),
        "kind": "person",
        "label": "",
        "email": "admin@north.example",
        "name": "Ada Admin",
        "language": answer["language"],
        "roles": [
            {
                "assignment": answer["roles"][0]["assignment"],
                "role": "admin",
                "branch": None,
                "collection": None,
                "permissions": sorted(PERMISSIONS),
            }
        ],
        "permissions": sorted(PERMISSIONS),
        "branch_permissions": {},
        "collection_permissions": {},
        "patron": None,
    }
    assert api(north, "reader").get(ME).json()["permissions"] == ["catalog.view"]


def test_me_of_somebody_who_has_not_signed_in_is_401(api: Any, north: Any) -> None:
    response = api(north).get(ME)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")


def test_me_names_the_linked_patron(api: Any, north: Any) -> None:
    with in_library(north):
        patron = Patron.objects.create(
            name="R",
            category=PatronCategory.objects.all()[0],
            home_branch=Branch.objects.get(code="main"),
            user=User.objects.get(email="reader@north.example"),
            created_at=clock.now(),
        )
        Card.objects.create(patron=patron, number="2900")
    expected = {"id": str(patron.pk), "card_numbers": ["2900"]}
    assert api(north, "reader").get(ME).json()["patron"] == expected
    assert api(north, "librarian").get(ME).json()["patron"] is None


def test_me_costs_few_queries_whatever_the_role(api: Any, north: Any) -> None:
    for role in ("admin", "reader"):
        # The library's row (its cache is off in tests), the user with their rights, their patron.
        assert len(statements(api(north, role), ME)) == 3


# -- roles ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [ROLES, ASSIGNMENTS])
def test_only_who_manages_roles_sees_them(api: Any, north: Any, path: str) -> None:
    assert api(north, "admin").get(path).status_code == 200
    assert api(north, "librarian").get(path).status_code == 403
    assert api(north).get(path).status_code == 401


def test_roles_are_listed_with_their_permissions(api: Any, north: Any) -> None:
    results = api(north, "admin").get(ROLES).json()["results"]
    assert [role["code"] for role in results] == ["admin", "guest", "librarian", "reader"]
    assert results[1] == {
        "id": results[1]["id"],
        "code": "guest",
        "name": "Guest",
        "permissions": ["catalog.view"],
        "standard": True,
        "edited": False,
    }


def test_a_list_of_assignments_costs_the_same_for_more_rows(api: Any, north: Any) -> None:
    client = api(north, "admin")
    few = len(statements(client, ASSIGNMENTS))
    for role, branch in (("guest", None), ("guest", "main"), ("librarian", "main")):
        body = {"user": user_id(north, "reader"), "role": role, "branch": branch}
        assert client.post(ASSIGNMENTS, body, format="json").status_code == 201
    assert len(client.get(ASSIGNMENTS).json()["results"]) == 6
    assert len(statements(client, ASSIGNMENTS)) == few == 3


# -- assignments ----------------------------------------------------------------------------------------------


def test_a_role_is_given_and_works_at_once(api: Any, north: Any) -> None:
    reader = api(north, "reader")
    assert reader.get("/api/v1/settings/").status_code == 403
    body = {"user": user_id(north, "reader"), "role": "librarian"}
    response = api(north, "admin").post(ASSIGNMENTS, body, format="json")
    assert response.status_code == 201
    made = response.json()
    assert {key: made[key] for key in ("user", "email", "role", "branch")} == {
        **body,
        "email": "reader@north.example",
        "branch": None,
    }
    assert (made["service_account"], made["collection"]) == (None, None)
    assert made["created_at"].endswith("Z")
    assert reader.get("/api/v1/settings/").status_code == 200
    assert api(north, "admin").delete(f"{ASSIGNMENTS}{made['id']}/").status_code == 204
    assert reader.get("/api/v1/settings/").status_code == 403


def test_a_role_for_a_branch_shows_in_me(api: Any, north: Any) -> None:
    body = {"user": user_id(north, "reader"), "role": "librarian", "branch": "main"}
    assert api(north, "admin").post(ASSIGNMENTS, body, format="json").json()["branch"] == "main"
    me = api(north, "reader").get(ME).json()
    assert ("librarian", "main") in [(held["role"], held["branch"]) for held in me["roles"]]
    assert "circulation.lend" in me["branch_permissions"]["main"]
    assert "circulation.lend" not in me["permissions"]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"user": "999999"}, "user", "does_not_exist"),
        ({"user": 1}, "user", "incorrect_type"),
        ({"role": "emperor"}, "role", "does_not_exist"),
        ({"branch": "atlantis"}, "branch", "does_not_exist"),
        ({"user": None}, "user", "one_holder"),
        ({"service_account": "999999"}, "service_account", "does_not_exist"),
        ({"branch": "main", "collection": "atlantis"}, "collection", "does_not_exist"),
        ({"permissions": ["roles.manage"]}, "permissions", "unknown_field"),
        ({"rol": "admin"}, "rol", "unknown_field"),
    ],
)
def test_a_wrong_body_gives_nothing(api: Any, north: Any, changes: Any, field: str, code: str) -> None:
    before = assignments(north)
    body = {"user": user_id(north, "reader"), "role": "guest", **changes}
    response = api(north, "admin").post(ASSIGNMENTS, body, format="json")
    assert response.status_code == 400
    assert (field, code) in [(error["field"], error["code"]) for error in response.json()["errors"]]
    assert assignments(north) == before


def test_a_role_that_is_there_already_is_a_conflict(api: Any, north: Any) -> None:
    body = {"user": user_id(north, "reader"), "role": "reader"}
    response = api(north, "admin").post(ASSIGNMENTS, body, format="json")
    assert (response.status_code, response.json()["code"]) == (409, "already_assigned")


def test_the_last_admin_is_a_conflict(api: Any, north: Any) -> None:
    before = assignments(north)
    (own,) = [row for row in before if str(row["user_id"]) == user_id(north, "admin")]
    response = api(north, "admin").delete(f"{ASSIGNMENTS}{own['id']}/")
    assert (response.status_code, response.json()["code"]) == (409, "last_admin")
    assert assignments(north) == before


def test_a_deputy_cannot_become_admin(api: Any, north: Any) -> None:
    from tenant_apps.access.models import Role

    with in_library(north):
        Role.objects.filter(code="reader").update(permissions=["catalog.view", "roles.manage"], edited=True)
    before = assignments(north)
    deputy = api(north, "reader")
    for role in ("admin", "librarian"):
        response = deputy.post(ASSIGNMENTS, {"user": user_id(north, "reader"), "role": role}, format="json")
        assert (response.status_code, response.json()["code"]) == (403, "cannot_grant")
    assert assignments(north) == before
    # The row of the librarian, whose role allows more than the deputy's own.
    (row,) = [row for row in before if str(row["user_id"]) == user_id(north, "librarian")]
    assert deputy.delete(f"{ASSIGNMENTS}{row['id']}/").json()["code"] == "cannot_grant"
    assert assignments(north) == before


def test_a_branch_admin_sees_and_ends_only_what_is_at_that_branch(api: Any, north: Any) -> None:
    body = {"user": user_id(north, "reader"), "role": "admin", "branch": "main"}
    own = api(north, "admin").post(ASSIGNMENTS, body, format="json").json()
    branch_admin = api(north, "reader")
    assert [row["id"] for row in branch_admin.get(ASSIGNMENTS).json()["results"]] == [own["id"]]
    (other,) = [row for row in assignments(north) if str(row["user_id"]) == user_id(north, "librarian")]
    assert branch_admin.delete(f"{ASSIGNMENTS}{other['id']}/").status_code == 404
    assert branch_admin.delete(f"{ASSIGNMENTS}{own['id']}/").status_code == 204


@pytest.mark.parametrize("role", ["librarian", "reader", None])
def test_nobody_else_gives_roles(api: Any, north: Any, role: str | None) -> None:
    before = assignments(north)
    client = api(north, role)
    body = {"user": user_id(north, "reader"), "role": "guest"}
    assert client.post(ASSIGNMENTS, body, format="json").status_code == (403 if role else 401)
    assert client.delete(f"{ASSIGNMENTS}{before[0]['id']}/").status_code == (403 if role else 401)
    assert assignments(north) == before


def test_another_librarys_rows_do_not_exist_here(api: Any, north: Any, south: Any) -> None:
    with in_library(south):
        extra = User.objects.create_user("only-here@south.example")
        kept = RoleAssignment.objects.create(
            user=extra, role_id=RoleAssignment.objects.all()[0].role_id, created_at=clock.now()
        )
    before = assignments(south)
    admin = api(north, "admin")
    missing = admin.delete(f"{ASSIGNMENTS}888888/")
    foreign = admin.delete(f"{ASSIGNMENTS}{kept.pk}/")
    assert missing.status_code == foreign.status_code == 404
    assert {**missing.json(), "request_id": ""} == {**foreign.json(), "request_id": ""}
    assert admin.post(ASSIGNMENTS, {"user": str(extra.pk), "role": "guest"}, format="json").status_code == 400
    assert assignments(south) == before
    assert api(south, "admin").delete(f"{ASSIGNMENTS}{kept.pk}/").status_code == 204


@pytest.mark.parametrize("pk", ["0", "abc", "1.5", "-1", "9" * 25])
def test_an_impossible_id_is_not_found(api: Any, north: Any, pk: str) -> None:
    assert api(north, "admin").delete(f"{ASSIGNMENTS}{pk}/").status_code == 404
