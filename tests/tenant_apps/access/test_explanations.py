"""Why somebody may do something, or why not; and the answer is what a request would meet."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access import explanations, selectors, services
from tenant_apps.access.explanations import Question
from tenant_apps.access.models import Role
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.preferences import services as preferences
from tests import factories
from tests.conftest import client_for
from tests.tenant_apps.keys.makers import key_client, make_key

pytestmark = pytest.mark.django_db
EXPLAIN = "/api/v1/permissions/explain/"
NOWHERE = {"assignment": None, "role": None, "branch": None, "collection": None}


@pytest.fixture
def admin(api: Any, north: Any) -> Any:
    return api(north, "admin")


def ask(client: Any, **query: Any) -> Any:
    answer = client.get(EXPLAIN, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def person(library: Any, **held: Any) -> Any:
    """Somebody who holds one role."""
    with in_library(library):
        return factories.RoleAssignmentFactory(**held)


def role(library: Any, code: str) -> Role:
    with in_library(library):
        return Role.objects.get(code=code)


def test_everybody_may_ask_about_themselves(api: Any, north: Any) -> None:
    yes = ask(api(north, "librarian"), permission="circulation.lend")
    assert (yes["allowed"], yes["missing"]) == (True, [])
    assert [(held["role"], held["branch"], held["collection"]) for held in yes["because"]] == [
        ("librarian", None, None)
    ]
    assert yes["because"][0]["assignment"]
    no = ask(api(north, "reader"), permission="circulation.lend")
    assert (no["allowed"], no["because"]) == (False, [])
    assert [(reason["code"], reason["role"]) for reason in no["missing"]] == [("no_role_has_it", None)]


def test_a_manager_asks_about_anybody_and_nobody_else_does(admin: Any, api: Any, north: Any) -> None:
    lea = person(north, role=role(north, "librarian")).user
    assert ask(admin, user=lea.pk, permission="circulation.lend")["allowed"]
    for caller in ("reader", "librarian"):
        client = api(north, caller)
        # Somebody there, nobody, and no id at all: a stranger learns nothing.
        for user in (lea.pk, 999_999, "abc"):
            answer = client.get(EXPLAIN, {"user": user, "permission": "circulation.lend"})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        answer = client.get(EXPLAIN, {"service_account": "1", "permission": "circulation.lend"})
        assert answer.status_code == 403
    with in_library(north):
        own = User.objects.get(email="reader@north.example")
    assert ask(api(north, "reader"), user=own.pk, permission="catalog.view")["allowed"]
    assert api(north).get(EXPLAIN, {"permission": "catalog.view"}).status_code == 401


def test_a_role_for_a_branch_comes_near(admin: Any, north: Any) -> None:
    with in_library(north):
        here, there = factories.BranchFactory(), factories.BranchFactory()
    held = person(north, role=role(north, "librarian"), branch=here)
    question = {"user": held.user_id, "permission": "circulation.lend"}
    assert ask(admin, **question, branch=here.code)["because"] == [
        {"assignment": str(held.pk), "role": "librarian", "branch": here.code, "collection": None}
    ]
    for where in ({}, {"branch": there.code}):
        answer = ask(admin, **question, **where)
        (reason,) = answer["missing"]
        assert (answer["allowed"], reason["code"], reason["branch"]) == (False, "held_elsewhere", here.code)
        assert here.name in reason["detail"]


def test_a_permission_that_is_the_librarys_is_not_held_at_a_branch(admin: Any, north: Any) -> None:
    with in_library(north):
        branch, maps = factories.BranchFactory(), factories.CollectionFactory()
    for scope, where in (({"branch": branch}, {"branch": branch.code}), ({"collection": maps}, {})):
        held = person(north, role=role(north, "admin"), **scope)
        answer = ask(admin, user=held.user_id, permission="settings.manage", **where)
        assert [reason["code"] for reason in answer["missing"]] == ["not_scopable"]


def test_who_is_inactive_may_nothing(admin: Any, north: Any) -> None:
    held = person(north, role=role(north, "admin"), user__is_active=False)
    answer = ask(admin, user=held.user_id, permission="catalog.view")
    assert (answer["allowed"], answer["because"]) == (False, [])
    assert [reason["code"] for reason in answer["missing"]] == ["account_inactive"]


def test_who_has_no_role_is_a_guest_with_a_name(admin: Any, north: Any) -> None:
    with in_library(north):
        nobody = factories.UserFactory()
    yes = ask(admin, user=nobody.pk, permission="catalog.view")
    assert (yes["allowed"], yes["because"]) == (True, [{**NOWHERE, "role": "guest"}])
    no = ask(admin, user=nobody.pk, permission="patrons.view")
    assert [reason["code"] for reason in no["missing"]] == ["no_role_has_it"]
    with in_library(north):
        preferences.change(values={"guests_may_search": False}, by=SYSTEM, now=clock.now())
    closed = ask(admin, user=nobody.pk, permission="catalog.view")
    assert (closed["allowed"], closed["missing"][0]["code"]) == (False, "guests_closed")


def test_who_must_have_a_second_factor_and_has_none_may_nothing(admin: Any, north: Any) -> None:
    chief = person(north, role=role(north, "admin")).user
    librarian = person(north, role=role(north, "librarian")).user
    client = client_for(north, chief)
    assert ask(client, permission="catalog.view")["allowed"]
    with in_library(north):
        preferences.change(values={"admins_need_mfa": True}, by=SYSTEM, now=clock.now())
    answer = ask(client, permission="catalog.view")
    assert (answer["allowed"], answer["because"]) == (False, [])
    assert [reason["code"] for reason in answer["missing"]] == ["mfa_required"]
    # Nor is a manager without one told about others.
    refused = client.get(EXPLAIN, {"user": librarian.pk, "permission": "catalog.view"})
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa_enrolment_required")
    assert ask(client_for(north, librarian), permission="catalog.view")["allowed"]


def test_machines_are_explained_too(admin: Any, north: Any) -> None:
    with in_library(north):
        machine, off = factories.ServiceAccountFactory(), factories.ServiceAccountFactory(is_active=False)
        for account in (machine, off):
            services.assign_role(service_account_id=account.pk, role="admin", by=SYSTEM, now=clock.now())
    assert ask(admin, service_account=machine.pk, permission="patrons.view")["allowed"]
    never = ask(admin, service_account=machine.pk, permission="roles.manage")
    assert (never["allowed"], never["missing"][0]["code"]) == (False, "never_by_key")
    inactive = ask(admin, service_account=off.pk, permission="patrons.view")
    assert (inactive["allowed"], inactive["missing"][0]["code"]) == (False, "account_inactive")


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ({}, "permission", "required"),
        ({"permission": "patrons.veiw"}, "permission", "unknown_permission"),
        ({"permission": "patrons.view", "user": "999999"}, "user", "does_not_exist"),
        ({"permission": "patrons.view", "branch": "nowhere"}, "branch", "does_not_exist"),
        ({"permission": "patrons.view", "collection": "nowhere"}, "collection", "does_not_exist"),
        ({"permission": "patrons.view", "service_account": "0"}, "service_account", "does_not_exist"),
    ],
)
def test_a_wrong_question_is_refused(admin: Any, query: Any, field: str, code: str) -> None:
    answer = admin.get(EXPLAIN, query)
    assert answer.status_code == 400
    assert (field, code) in [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_one_holder_and_one_place_are_asked_about(admin: Any, north: Any) -> None:
    with in_library(north):
        user, machine = factories.UserFactory(), factories.ServiceAccountFactory()
        maps = factories.CollectionFactory()
    for query, code in (
        ({"user": user.pk, "service_account": machine.pk}, "one_holder"),
        ({"branch": "main", "collection": maps.code}, "one_scope"),
    ):
        answer = admin.get(EXPLAIN, {"permission": "patrons.view", **query})
        assert [error["code"] for error in answer.json()["errors"]] == [code]


def test_the_explanation_is_what_a_request_meets(in_north: Any) -> None:
    """For people with any mixture of roles: `allowed` is what Principal.may answers, in every place."""
    branches = factories.BranchFactory.create_batch(2)
    collections = factories.CollectionFactory.create_batch(2)
    own = [
        factories.RoleFactory(permissions=sorted(PERMISSIONS)[::3]),
        *Role.objects.filter(code__in=["admin", "librarian", "reader"]),
    ]
    scopes: list[dict[str, Any]] = [
        {},
        *({"branch": b} for b in branches),
        *({"collection": c} for c in collections),
    ]
    told: set[bool] = set()
    held = list(itertools.product(own, scopes))
    for number in range(6):
        person = factories.UserFactory()
        for found, scope in held[number::7][:number]:
            factories.RoleAssignmentFactory(user=person, role=found, **scope)
        principal = selectors.load_principal(person.pk)
        for permission, scope in itertools.product(sorted(PERMISSIONS), scopes):
            where = {f"{name}_id": row.pk for name, row in scope.items()}
            answer = explanations.explain_user(
                person.pk, is_active=True, question=Question(permission, **where)
            )
            assert answer.allowed == principal.may(permission, **where)
            assert bool(answer.because) == answer.allowed
            told.add(answer.allowed)
    assert told == {True, False}


def test_a_key_asks_about_itself(north: Any) -> None:
    client = key_client(north, make_key(north, "catalog.view").key)
    assert ask(client, permission="catalog.view")["allowed"]
    no = ask(client, permission="patrons.view")
    assert (no["allowed"], no["missing"][0]["code"]) == (False, "not_carried")


def test_an_answer_costs_few_queries(admin: Any, north: Any, django_assert_max_num_queries: Any) -> None:
    with in_library(north):
        lea = factories.UserFactory()
        for _ in range(20):
            factories.RoleAssignmentFactory(user=lea, branch=factories.BranchFactory())
    client = client_for(north, lea)
    with django_assert_max_num_queries(6):
        assert ask(client, permission="roles.manage")["allowed"] is False
