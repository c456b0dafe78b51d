"""Roles and permissions over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import in_library
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS
from tests import factories
from tests.conftest import client_for

pytestmark = pytest.mark.django_db
ROLES, PERMISSION_LIST, ASSIGNMENTS = "/api/v1/roles/", "/api/v1/permissions/", "/api/v1/role-assignments/"
VOLUNTEER = {"code": "volunteer", "name": "Volunteer", "permissions": ["catalog.view", "circulation.lend"]}


@pytest.fixture
def admin(api: Any, north: Any) -> Any:
    return api(north, "admin")


def stored(library: Any) -> list[Any]:
    with in_library(library):
        return [*Role.objects.order_by("id").values(), *RoleAssignment.objects.order_by("id").values()]


def problems(answer: Any) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def named(admin: Any, code: str) -> dict[str, Any]:
    (row,) = [row for row in admin.get(ROLES).json()["results"] if row["code"] == code]
    return dict(row)


# -- roles --------------------------------------------------------------------------------------------------------------


def test_a_role_is_made_shown_changed_and_removed(admin: Any) -> None:
    made = admin.post(ROLES, VOLUNTEER, format="json")
    assert made.status_code == 201
    assert made.json() == {**VOLUNTEER, "id": made.json()["id"], "standard": False, "edited": True}
    path = f"{ROLES}{made.json()['id']}/"
    shown = admin.get(path)
    assert (shown.json(), shown["ETag"]) == (made.json(), made["ETag"])
    assert admin.get(path, headers={"if-none-match": shown["ETag"]}).status_code == 304
    body = {"permissions": ["catalog.view"]}
    changed = admin.patch(path, body, format="json", headers={"if-match": shown["ETag"]})
    assert (changed.status_code, changed.json()["permissions"]) == (200, ["catalog.view"])
    assert admin.delete(path, headers={"if-match": shown["ETag"]}).status_code == 412
    assert admin.delete(path, headers={"if-match": changed["ETag"]}).status_code == 204
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(("header", "status"), [(None, 428), ('"1.999.json"', 412), ('W/"1.1.json"', 412)])
@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_change_names_the_version_that_was_read(
    admin: Any, north: Any, method: str, header: str | None, status: int
) -> None:
    path = f"{ROLES}{admin.post(ROLES, VOLUNTEER, format='json').json()['id']}/"
    before = stored(north)
    headers = {"if-match": header} if header else {}
    answer = getattr(admin, method)(path, {"name": "X"}, format="json", headers=headers)
    assert answer.status_code == status
    assert stored(north) == before


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"code": "Über"}, "code", "invalid_code"),
        ({"code": "Volunteer"}, "code", "invalid_code"),
        ({"code": ""}, "code", "blank"),
        ({"code": "x" * 41}, "code", "max_length"),
        ({"code": "reader"}, "code", "role_code_taken"),
        ({"name": None}, "name", "null"),
        ({"permissions": None}, "permissions", "null"),
        ({"permissions": "catalog.view"}, "permissions", "not_a_list"),
        ({"permissions": ["catalog.veiw"]}, "permissions.0", "unknown_permission"),
        ({"permissions": ["catalog.view", "platform.manage"]}, "permissions.1", "unknown_permission"),
        ({"permissions": [1]}, "permissions.0", "invalid"),
        ({"permissions": ["catalog.view"] * 101}, "permissions", "max_length"),
        ({"edited": True}, "edited", "unknown_field"),
        ({"standard": True}, "standard", "unknown_field"),
        ({"version": 7}, "version", "unknown_field"),
    ],
)
def test_a_wrong_body_makes_no_role(admin: Any, north: Any, changes: Any, field: str, code: str) -> None:
    before = stored(north)
    answer = admin.post(ROLES, {**VOLUNTEER, **changes}, format="json")
    assert answer.status_code == 400
    assert (field, code) in problems(answer)
    assert stored(north) == before


def test_an_unknown_permission_is_answered_with_the_nearest(admin: Any) -> None:
    answer = admin.post(ROLES, {**VOLUNTEER, "permissions": ["circulation.lent"]}, format="json")
    assert "circulation.lend" in answer.json()["errors"][0]["detail"]


def test_standard_roles_are_edited_and_not_removed(admin: Any, api: Any, north: Any) -> None:
    reader = api(north, "reader")
    assert reader.get("/api/v1/patrons/").status_code == 403
    row = named(admin, "reader")
    path = f"{ROLES}{row['id']}/"
    body = {"permissions": ["catalog.view", "patrons.view"]}
    changed = admin.patch(path, body, format="json", headers={"if-match": "*"}).json()
    assert (changed["standard"], changed["edited"]) == (True, True)
    assert reader.get("/api/v1/patrons/").status_code == 200, "from the next request on"
    answer = admin.delete(path, headers={"if-match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (409, "role_is_standard")


def test_admin_is_neither_changed_nor_removed(admin: Any, north: Any) -> None:
    path = f"{ROLES}{named(admin, 'admin')['id']}/"
    before = stored(north)
    for answer in (
        admin.patch(path, {"permissions": []}, format="json", headers={"if-match": "*"}),
        admin.delete(path, headers={"if-match": "*"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "role_is_standard")
    assert stored(north) == before


def test_a_role_that_somebody_holds_is_not_removed(admin: Any, north: Any) -> None:
    path = f"{ROLES}{admin.post(ROLES, VOLUNTEER, format='json').json()['id']}/"
    with in_library(north):
        held = factories.RoleAssignmentFactory(role=Role.objects.get(code="volunteer"))
    answer = admin.delete(path, headers={"if-match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (409, "role_in_use")
    assert admin.delete(f"{ASSIGNMENTS}{held.pk}/").status_code == 204
    assert admin.delete(path, headers={"if-match": "*"}).status_code == 204


# -- the list of permissions ----------------------------------------------------------------------------------------------


def test_the_list_is_fixed_and_in_the_callers_language(api: Any, north: Any) -> None:
    reader = api(north, "reader")
    answer = reader.get(PERMISSION_LIST).json()
    assert [row["name"] for row in answer["results"]] == sorted(PERMISSIONS)
    assert (answer["next"], answer["previous"]) == (None, None)
    by_name = {row["name"]: row for row in answer["results"]}
    assert by_name["copies.manage"]["scopes"] == ["library", "branch", "collection"]
    assert by_name["settings.manage"]["scopes"] == ["library"]
    assert by_name["circulation.lend"]["description"] == "Lend, return and renew"
    italian = reader.get(PERMISSION_LIST, headers={"accept-language": "it"}).json()["results"]
    assert {row["name"]: row["description"] for row in italian}[
        "circulation.lend"
    ] != "Lend, return and renew"
    assert api(north).get(PERMISSION_LIST).status_code == 401


# -- assignments to machines, for collections, and the list's filters -------------------------------------------------


def test_a_machine_is_given_a_role_for_a_collection(admin: Any, north: Any) -> None:
    with in_library(north):
        machine, maps = factories.ServiceAccountFactory(), factories.CollectionFactory()
    body = {"service_account": str(machine.pk), "role": "librarian", "collection": maps.code}
    answer = admin.post(ASSIGNMENTS, body, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert {key: made[key] for key in (*body, "user", "email", "branch")} == {
        **body,
        "user": None,
        "email": None,
        "branch": None,
    }


@pytest.mark.parametrize(
    ("parts", "field", "code"),
    [
        ((), "user", "one_holder"),
        (("user", "service_account"), "user", "one_holder"),
        (("user", "branch", "collection"), "collection", "one_scope"),
    ],
)
def test_one_holder_and_one_scope_a_row(
    admin: Any, north: Any, parts: tuple[str, ...], field: str, code: str
) -> None:
    with in_library(north):
        values = {
            "user": str(factories.UserFactory().pk),
            "service_account": str(factories.ServiceAccountFactory().pk),
            "branch": "main",
            "collection": factories.CollectionFactory().code,
        }
    before = stored(north)
    answer = admin.post(ASSIGNMENTS, {"role": "reader", **{p: values[p] for p in parts}}, format="json")
    assert answer.status_code == 400
    assert (field, code) in problems(answer)
    assert stored(north) == before


def test_the_list_of_assignments_is_filtered(admin: Any, north: Any) -> None:
    with in_library(north):
        maps, branch, lea = (
            factories.CollectionFactory(),
            factories.BranchFactory(),
            factories.UserFactory(),
        )
        machine = factories.ServiceAccountFactory()
        by_machine = factories.RoleAssignmentFactory(user=None, service_account=machine)
        at_branch = factories.RoleAssignmentFactory(branch=branch, user=lea)
        for_maps = factories.RoleAssignmentFactory(
            collection=maps, user=lea, role=Role.objects.get(code="librarian")
        )
        plain = factories.RoleAssignmentFactory()
    for query, expected in (
        (f"user={lea.pk}", [for_maps, at_branch]),
        (f"user={lea.pk}&branch={branch.code}", [at_branch]),
        (f"service_account={machine.pk}", [by_machine]),
        (f"collection={maps.code}", [for_maps]),
        (f"collection={maps.code}&role=librarian", [for_maps]),
        (f"collection={maps.code}&role=reader", []),
        (f"user={plain.user_id}", [plain]),
        ("user=999999", []),
        ("user=abc", []),
        ("branch=nowhere", []),
    ):
        rows = admin.get(f"{ASSIGNMENTS}?{query}").json()["results"]
        assert [row["id"] for row in rows] == [str(row.pk) for row in expected], query
    assert admin.get(f"{ASSIGNMENTS}?usr=1").status_code == 400


def test_the_lists_cost_the_same_for_more_rows(
    admin: Any, north: Any, django_assert_max_num_queries: Any
) -> None:
    for many in (1, 10):
        with in_library(north):
            for _ in range(many):
                factories.RoleFactory()
                factories.RoleAssignmentFactory(branch=factories.BranchFactory())
                factories.RoleAssignmentFactory(collection=factories.CollectionFactory())
                factories.RoleAssignmentFactory(user=None, service_account=factories.ServiceAccountFactory())
        for path in (ROLES, f"{ASSIGNMENTS}?page_size=100"):
            # The library's row and the schema it chooses, the caller with their rights, the page.
            with django_assert_max_num_queries(5):
                assert admin.get(path).status_code == 200


def test_a_manager_of_a_collection_sees_what_is_held_for_it(north: Any) -> None:
    with in_library(north):
        maps, prints = factories.CollectionFactory(), factories.CollectionFactory()
        admin_role = Role.objects.get(code="admin")
        keeper = factories.RoleAssignmentFactory(role=admin_role, collection=maps)
        factories.RoleAssignmentFactory(role=admin_role, collection=prints)
        client = client_for(north, keeper.user)
    assert [row["id"] for row in client.get(ASSIGNMENTS).json()["results"]] == [str(keeper.pk)]
