"""A caller's rights: one query, and guests only where the library lets them in."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core import clock
from saas.core.db.questions import Questions
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.access import description, rules, selectors, services
from tenant_apps.access.machines import forget_meanings
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS, SCOPES
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection
from tenant_apps.preferences import services as preferences

pytestmark = pytest.mark.django_db


def user(role: str) -> User:
    return User.objects.get(email=f"{role}@north.example")


@pytest.fixture
def harbour(in_north: Any) -> Branch:
    return Branch.objects.create(code="harbour", name="Harbour", time_zone="Europe/Rome")


def member(**changes: Any) -> User:
    values = {"email": "lea@north.example", "name": "Lea", "password": "correct-horse-battery", **changes}
    return services.create_member(**values, now=clock.now(), by=SYSTEM)


@pytest.mark.parametrize("role", ["admin", "librarian", "reader"])
def test_the_rights_of_a_user_are_one_query(in_north: Any, role: str, django_assert_num_queries: Any) -> None:
    found = user(role)
    with django_assert_num_queries(1):
        principal = selectors.load_principal(found.pk)
    assert (principal.user_id, principal.email, principal.roles) == (found.pk, found.email, (role,))
    assert principal.permissions == set(Role.objects.get(code=role).permissions)
    assert (principal.permissions == set(PERMISSIONS)) is (role == "admin")


def test_a_guest_is_one_query_and_may_search(in_north: Any, django_assert_num_queries: Any) -> None:
    assert Role.objects.count() == 4  # the schema is chosen with the first statement
    with django_assert_num_queries(1):
        principal = selectors.load_principal(None)
    assert not principal.is_authenticated
    assert (principal.roles, principal.permissions) == (("guest",), {"catalog.view"})


def test_a_library_may_close_its_catalogue_to_guests(in_north: Any, south: Any) -> None:
    preferences.change(values={"guests_may_search": False}, by=SYSTEM, now=clock.now())
    assert selectors.load_principal(None).permissions == frozenset()
    assert selectors.load_principal(user("reader").pk).may("catalog.view")
    with in_library(south):
        assert selectors.load_principal(None).may("catalog.view")
    preferences.change(values={"guests_may_search": True}, by=SYSTEM, now=clock.now())
    assert selectors.load_principal(None).may("catalog.view")


def test_the_guest_role_is_what_the_library_makes_of_it(in_north: Any) -> None:
    Role.objects.filter(code="guest").update(permissions=["catalog.view", "circulation.view"], edited=True)
    assert selectors.load_principal(None).may("circulation.view")
    Role.objects.filter(code="guest").delete()
    assert selectors.load_principal(None).permissions == frozenset()


def test_somebody_without_a_role_is_a_guest_with_a_name(in_north: Any) -> None:
    found = member(role="reader")
    found.role_assignments.all().delete()  # type: ignore[attr-defined]
    principal = selectors.load_principal(found.pk)
    assert (principal.user_id, principal.roles, principal.permissions) == (found.pk, (), {"catalog.view"})


def test_a_user_who_is_gone_or_inactive_has_a_guests_rights(in_north: Any) -> None:
    admin = user("admin")
    User.objects.filter(pk=admin.pk).update(is_active=False)
    for gone in (admin.pk, 999_999):
        principal = selectors.load_principal(gone)
        assert (principal.user_id, principal.permissions) == (None, {"catalog.view"})


def test_a_role_at_a_branch_holds_there_alone(harbour: Branch) -> None:
    principal = selectors.load_principal(member(role="librarian", branch="harbour").pk)
    main = Branch.objects.get(code="main")
    assert principal.may("circulation.lend", branch_id=harbour.pk)
    assert not principal.may("circulation.lend", branch_id=main.pk)
    assert not principal.may("circulation.lend")
    assert principal.may_anywhere("circulation.lend")
    assert principal.branches_for("circulation.lend") == {harbour.pk}
    assert principal.branches_for("roles.manage") == frozenset()


def test_a_caller_comes_with_the_same_rights(in_north: Any, django_assert_num_queries: Any) -> None:
    found = user("librarian")
    with django_assert_num_queries(1):
        caller = selectors.load_caller(found.pk, None)
    assert caller is not None
    assert caller.user == found
    assert caller.session_open
    assert caller.principal == selectors.load_principal(found.pk)
    assert selectors.load_caller(999_999, None) is None
    unknown = selectors.load_caller(found.pk, "no such session")
    assert unknown is not None
    assert not unknown.session_open


def test_rights_are_read_in_the_current_library(north: Any, south: Any) -> None:
    with in_library(north):
        admin = user("admin").pk
    with in_library(south):
        User.objects.get(pk=admin).role_assignments.all().delete()  # type: ignore[attr-defined]
        assert not selectors.load_principal(admin).may("roles.manage")
    with in_library(north):
        assert selectors.load_principal(admin).may("roles.manage")


def test_describing_the_caller_needs_a_query_only_for_branches_and_collections(
    harbour: Branch, settings: Any, monkeypatch: Any, django_assert_num_queries: Any
) -> None:
    settings.ME_EXTENSIONS = {}
    for kind, questions in description._QUESTIONS.items():
        monkeypatch.setitem(description._QUESTIONS, kind, Questions(questions._compose))
    everywhere = selectors.load_principal(user("reader").pk)
    with django_assert_num_queries(0):
        answer = selectors.describe(everywhere, language="it")
    (held,) = RoleAssignment.objects.filter(user=user("reader"))
    assert answer["roles"] == [
        {
            "assignment": str(held.pk),
            "role": "reader",
            "branch": None,
            "collection": None,
            "permissions": ["catalog.view"],
        }
    ]
    assert (answer["language"], answer["branch_permissions"], answer["kind"]) == ("it", {}, "person")
    keeper = member(role="librarian", branch="harbour")
    somewhere = selectors.load_principal(keeper.pk)
    with django_assert_num_queries(1):
        answer = selectors.describe(somewhere, language="")
    assert [(row["role"], row["branch"]) for row in answer["roles"]] == [("librarian", "harbour")]
    assert answer["permissions"] == []
    assert "circulation.lend" in answer["branch_permissions"]["harbour"]
    Collection.objects.create(code="maps", name="Maps")
    services.assign_role(user_id=keeper.pk, role="librarian", collection="maps", by=SYSTEM, now=clock.now())
    principal = selectors.load_principal(keeper.pk)
    with django_assert_num_queries(1):
        answer = selectors.describe(principal, language="")
    assert answer["collection_permissions"] == {"maps": ["catalog.manage", "catalog.view", "copies.manage"]}
    assert answer["branch_permissions"].keys() == {"harbour"}


def test_a_role_for_a_collection_holds_there_alone(in_north: Any) -> None:
    maps, prints = (Collection.objects.create(code=code, name=code) for code in ("maps", "prints"))
    found = member(role="guest")
    services.assign_role(user_id=found.pk, role="librarian", collection="maps", by=SYSTEM, now=clock.now())
    principal = selectors.load_principal(found.pk)
    assert principal.may("catalog.manage", collection_id=maps.pk)
    assert not principal.may("catalog.manage", collection_id=prints.pk)
    assert not principal.may("catalog.manage")
    assert principal.may_anywhere("catalog.manage")
    assert principal.collections_for("catalog.manage") == {maps.pk}
    assert principal.branches_for("catalog.manage") == frozenset()
    # Held where it means nothing, a permission opens nothing: no route, no branch, no row.
    assert not principal.may_anywhere("circulation.lend")
    assert not principal.may_anywhere("patrons.view")


def test_what_is_the_librarys_is_not_opened_by_a_role_at_a_branch(harbour: Branch) -> None:
    principal = selectors.load_principal(member(role="admin", branch="harbour").pk)
    assert principal.may("branches.manage", branch_id=harbour.pk)
    for name in ("settings.manage", "keys.manage", "sign_in.manage", "audit.view", "catalog.import"):
        assert not principal.may_anywhere(name)
    assert {name for name, scopes in SCOPES.items() if "branch" in scopes} == principal.branch_permissions[
        harbour.pk
    ]


@pytest.mark.parametrize("grants", [1, 1000])
def test_one_grant_and_a_thousand_are_one_query(
    in_north: Any, grants: int, django_assert_num_queries: Any
) -> None:
    found = member(role="guest")
    role = Role.objects.get(code="librarian")
    places = Branch.objects.bulk_create(
        Branch(code=f"b{number}", name="B", time_zone="UTC") for number in range(grants)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=found, role=role, branch=place, created_at=clock.now()) for place in places
    )
    with django_assert_num_queries(1):
        principal = selectors.load_principal(found.pk)
    with django_assert_num_queries(1):
        caller = selectors.load_caller(found.pk, None)
    assert caller is not None
    assert caller.principal == principal
    with django_assert_num_queries(0):
        assert principal.branches_for("circulation.lend") == {place.pk for place in places}
        assert all(principal.may("circulation.lend", branch_id=place.pk) for place in places)


def test_an_untouched_standard_role_follows_the_release(in_north: Any, monkeypatch: Any) -> None:
    """What an older release stored is not what counts; what the library has made of a role is."""
    Role.objects.filter(code="librarian").update(permissions=["catalog.view"])
    released = rules.released_permissions("librarian")
    assert released is not None
    assert selectors.load_principal(user("librarian").pk).permissions == released
    monkeypatch.setitem(rules._STANDARD, "librarian", released | {"audit.view"})
    forget_meanings()  # another release is another process
    assert selectors.load_principal(user("librarian").pk).may("audit.view")
    Role.objects.filter(code="librarian").update(edited=True)
    assert selectors.load_principal(user("librarian").pk).permissions == {"catalog.view"}
