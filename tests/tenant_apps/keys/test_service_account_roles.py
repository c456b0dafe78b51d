"""Roles of a service account reach its keys, and no further than a key may go."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.services import assign_role, unassign_role
from tests import factories
from tests.snapshots import differences, snapshot
from tests.tenant_apps.keys.makers import key_client, make_key
from tests.tenant_apps.members.people import member

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/api-keys/"


def give(library: Any, made: Any, role: str, **scope: str) -> Any:
    with in_library(library):
        account = made.row.service_account_id
        return assign_role(service_account_id=account, role=role, by=SYSTEM, now=clock.now(), **scope)


def test_a_role_counts_at_the_next_request_and_ends_at_the_next(north: Any) -> None:
    made = make_key(north)
    client = key_client(north, made.key)
    assert client.get("/api/v1/patrons/").status_code == 403
    held = give(north, made, "librarian")
    assert client.get("/api/v1/patrons/").status_code == 200
    with in_library(north):
        unassign_role(assignment_id=held.pk, by=SYSTEM, now=clock.now())
    assert client.get("/api/v1/patrons/").status_code == 403


def test_an_admin_machine_still_needs_a_person_for_people_roles_and_keys(north: Any) -> None:
    made = make_key(north)
    give(north, made, "admin")
    client = key_client(north, made.key)
    assert client.get("/api/v1/settings/").status_code == 200
    for path in (KEYS, "/api/v1/members/", "/api/v1/invitations/", "/api/v1/role-assignments/"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), path
    before = snapshot("lib_north", "public")
    body = {"service_account": str(made.row.service_account_id), "role": "admin"}
    assert client.post("/api/v1/role-assignments/", body).status_code == 403
    assert differences(before, snapshot("lib_north", "public")) == {}


def test_a_role_at_a_branch_holds_there(north: Any) -> None:
    with in_library(north):
        here = factories.BranchFactory()
        role = Role.objects.create(code="openers", name="Openers", permissions=["branches.manage"])
        there = factories.BranchFactory()
    made = make_key(north)
    give(north, made, role.code, branch=here.code)
    client = key_client(north, made.key)
    for branch, status in ((here, 200), (there, 403)):
        path = f"/api/v1/branches/{branch.pk}/"
        assert client.patch(path, {"name": "Named"}, headers={"If-Match": "*"}).status_code == status


def test_a_key_of_a_strong_machine_is_not_made_by_a_weak_person(api: Any, north: Any) -> None:
    made = make_key(north)
    give(north, made, "librarian")
    weak = api(north, member(north, (("keys.manage", "catalog.view"), {})))
    body = {"name": "Mine", "permissions": [], "service_account": str(made.row.service_account_id)}
    before = snapshot("lib_north", "public")
    for answer in (weak.post(KEYS, body), weak.post(f"{KEYS}{made.row.pk}/rotate/", {})):
        assert (answer.status_code, answer.json()["code"]) == (403, "cannot_grant")
    assert differences(before, snapshot("lib_north", "public")) == {}
    assert api(north, "admin").post(KEYS, body).status_code == 201


def test_a_deleted_machine_leaves_no_role_behind(api: Any, north: Any) -> None:
    made = make_key(north)
    held = give(north, made, "librarian")
    answer = api(north, "admin").delete(f"/api/v1/service-accounts/{made.row.service_account_id}/")
    assert answer.status_code == 204
    with in_library(north):
        assert not RoleAssignment.objects.filter(pk=held.pk).exists()
        assert Role.objects.filter(code="librarian").exists()


def test_the_caller_is_told_who_it_is(north: Any) -> None:
    made = make_key(north, "catalog.view")
    me = key_client(north, made.key).get("/api/v1/me/").json()
    assert (me["kind"], me["id"], me["permissions"]) == ("key", None, ["catalog.view"])
    assert me["label"].endswith(made.row.prefix)
