"""The caller's own account: what they are told, and what they may change about it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.principals import SYSTEM, principal_of
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from tenant_apps.access import services
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.branches.models import Branch
from tests import factories
from tests.conftest import client_for
from tests.tenant_apps.keys.makers import key_client, make_key
from tests.tenant_apps.visits.visitors import begin, visitor

pytestmark = pytest.mark.django_db
ME = "/api/v1/me/"


def statements(client: Any, path: str) -> int:
    """The statements that a GET sends, without those that choose the schema."""
    with CaptureQueriesContext(connection) as sent:
        assert client.get(path).status_code == 200
    return len([query for query in sent if not query["sql"].startswith("SET search_path")])


def account(library: Any, role: str) -> Any:
    with in_library(library):
        return User.objects.values().get(email=f"{role}@{library.subdomain}.example")


# -- what one is told ---------------------------------------------------------------------------------------------------


def test_each_permission_can_be_traced_to_an_assignment(north: Any) -> None:
    with in_library(north):
        branch, maps = factories.BranchFactory(code="harbour"), factories.CollectionFactory(code="maps")
        librarian = Role.objects.get(code="librarian")
        plain = factories.RoleAssignmentFactory()
        at_branch = factories.RoleAssignmentFactory(user=plain.user, role=librarian, branch=branch)
        for_maps = factories.RoleAssignmentFactory(user=plain.user, role=librarian, collection=maps)
    me = client_for(north, plain.user).get(ME).json()
    held = {row["assignment"]: row for row in me["roles"]}
    assert {pk: (row["role"], row["branch"], row["collection"]) for pk, row in held.items()} == {
        str(plain.pk): ("reader", None, None),
        str(at_branch.pk): ("librarian", "harbour", None),
        str(for_maps.pk): ("librarian", None, "maps"),
    }
    assert me["permissions"] == held[str(plain.pk)]["permissions"] == ["catalog.view"]
    assert me["branch_permissions"] == {"harbour": held[str(at_branch.pk)]["permissions"]}
    assert me["collection_permissions"] == {"maps": held[str(for_maps.pk)]["permissions"]}
    assert "circulation.lend" in me["branch_permissions"]["harbour"]
    assert "circulation.lend" not in me["collection_permissions"]["maps"]


def test_one_assignment_and_a_thousand_cost_the_same(north: Any) -> None:
    counted = []
    for many in (1, 1000):
        with in_library(north):
            person, role = factories.UserFactory(), Role.objects.get(code="librarian")
            places = Branch.objects.bulk_create(
                Branch(code=f"b{many}-{number}", name="B", time_zone="UTC") for number in range(many)
            )
            RoleAssignment.objects.bulk_create(
                RoleAssignment(user=person, role=role, branch=place, created_at=factories.NOW)
                for place in places
            )
        client = client_for(north, person)
        assert len(client.get(ME).json()["roles"]) == many
        counted.append((statements(client, ME), statements(client, "/api/v1/patrons/")))
    # The library's row (its cache is off in tests), the caller with their rights, codes of the branches with the patron.
    assert counted[0] == counted[1]
    assert counted[0][0] == 3


def test_asking_again_what_one_may_costs_no_query(north: Any) -> None:
    with in_library(north):
        client = client_for(north, factories.RoleAssignmentFactory().user)
    response = client.get(ME)
    request = response.wsgi_request
    with CaptureQueriesContext(connection) as sent:
        principal = principal_of(request)
        for permission in ("catalog.view", "roles.manage"):
            principal.may(permission)
            principal.may(permission, branch_id=1)
            principal.may_anywhere(permission)
            principal.branches_for(permission)
            principal.collections_for(permission)
    assert len(sent) == 0
    assert principal.may("catalog.view")


def test_a_key_is_told_what_it_may(north: Any) -> None:
    with in_library(north):
        machine, maps = factories.ServiceAccountFactory(), factories.CollectionFactory(code="maps")
        for scope in ({}, {"branch": "main"}, {"collection": "maps"}):
            services.assign_role(
                service_account_id=machine.pk, role="librarian", by=SYSTEM, now=factories.NOW, **scope
            )
        Role.objects.filter(code="librarian").update(
            permissions=["copies.manage", "roles.manage"], edited=True
        )
    made = make_key(north, "settings.view", service_account_id=machine.pk)
    client = key_client(north, made.key)
    me = client.get(ME).json()
    assert (me["id"], me["kind"], me["email"], me["patron"]) == (None, "key", "", None)
    assert me["label"].startswith(f"{machine.code}/")
    # Its own and its roles', without what no key may have.
    assert me["permissions"] == ["copies.manage", "settings.view"]
    assert me["branch_permissions"] == {"main": ["copies.manage"]}
    assert me["collection_permissions"] == {maps.code: ["copies.manage"]}
    assert [(row["role"], row["branch"], row["collection"], row["permissions"]) for row in me["roles"]] == [
        ("librarian", None, None, ["copies.manage"]),
        ("librarian", "main", None, ["copies.manage"]),
        ("librarian", None, "maps", ["copies.manage"]),
    ]


def test_staff_on_a_visit_are_told_what_they_may(north: Any) -> None:
    client = visitor(north, begin(north).token)
    me = client.get(ME).json()
    assert (me["id"], me["kind"], me["patron"], me["roles"]) == (None, "staff", None, [])
    assert me["label"]
    assert "settings.view" in me["permissions"]
    assert not [name for name in me["permissions"] if not name.endswith(".view")]
    answer = client.patch(ME, {"name": "X"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "visit_read_only")


def test_a_key_for_a_branch_opens_nothing_of_the_librarys(north: Any) -> None:
    made = make_key(north, "settings.manage", "settings.view", "copies.manage", branches=[main(north).pk])
    client = key_client(north, made.key)
    assert client.get(ME).json()["branch_permissions"] == {"main": ["copies.manage", "settings.view"]}
    answer = client.patch("/api/v1/settings/", {"name": "Taken"}, format="json", headers={"if-match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    free = key_client(north, make_key(north, "settings.manage").key)
    headers = {"if-match": "*"}
    assert (
        free.patch("/api/v1/settings/", {"name": "Given"}, format="json", headers=headers).status_code == 200
    )


def main(library: Any) -> Any:
    with in_library(library):
        return Branch.objects.get(code="main")


# -- what one may change -----------------------------------------------------------------------------------------------


def test_people_change_their_name_and_their_language(api: Any, north: Any) -> None:
    reader = api(north, "reader")
    before = account(north, "reader")
    answer = reader.patch(ME, {"name": "Renata", "language": "it"}, format="json")
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["language"]) == ("Renata", "it")
    assert answer.json() == reader.get(ME).json()
    after = account(north, "reader")
    changed = {field for field in before if before[field] != after[field]}
    assert changed == {"name", "language", "version"}
    with in_library(north):
        (entry,) = AuditEntry.objects.filter(action="user.changed").select_related("personal")
    assert (entry.changes, entry.actor_user_id) == ({"fields": ["language", "name"]}, before["id"])
    assert entry.personal.values["name"] == [before["name"], "Renata"]


def test_the_same_again_writes_nothing(api: Any, north: Any) -> None:
    reader, before = api(north, "reader"), account(north, "reader")
    for body in ({}, {"name": before["name"]}):
        assert reader.patch(ME, body, format="json").status_code == 200
    assert account(north, "reader") == before
    with in_library(north):
        assert not AuditEntry.objects.filter(action="user.changed").exists()


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"name": None}, "name", "null"),
        ({"name": 7}, "name", "invalid"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"name": "a\nb"}, "name", "control_character"),
        ({"language": "xx"}, "language", "unknown_language"),
        ({"language": ["it"]}, "language", "invalid"),
        ({"email": "other@north.example"}, "email", "unknown_field"),
        ({"name": "Fine", "is_superuser": True}, "is_superuser", "unknown_field"),
    ],
)
def test_a_wrong_body_changes_nothing(api: Any, north: Any, body: Any, field: str, code: str) -> None:
    before = account(north, "reader")
    answer = api(north, "reader").patch(ME, body, format="json")
    assert answer.status_code == 400
    assert (field, code) in [(error["field"], error["code"]) for error in answer.json()["errors"]]
    assert account(north, "reader") == before


def test_nobody_without_an_account_changes_one(api: Any, north: Any) -> None:
    assert api(north).patch(ME, {"name": "X"}, format="json").status_code == 401
    client = key_client(north, make_key(north, "catalog.view").key)
    answer = client.patch(ME, {"name": "X"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "person_required")
