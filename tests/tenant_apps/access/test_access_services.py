"""Giving roles and taking them away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from saas.core import clock
from saas.core.errors import NotFound
from saas.core.principals import SYSTEM, Actor, Principal
from saas.core.seeding import LibrarySeed
from shared_apps.accounts.errors import EmailTaken
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.security.models import SecurityEvent
from tenant_apps.access import machines, selectors, services
from tenant_apps.access.errors import AlreadyAssigned, CannotGrant, LastAdmin
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS, STANDARD_ROLES
from tenant_apps.branches.models import Branch
from tenant_apps.collections import services as collections
from tenant_apps.collections.errors import CollectionInUse
from tests import factories

ADMIN = Principal(user_id=1, permissions=frozenset(PERMISSIONS))


@pytest.fixture
def reader(in_north: Any) -> User:
    return User.objects.get(email="reader@north.example")


@pytest.fixture
def harbour(in_north: Any) -> Branch:
    return Branch.objects.create(code="harbour", name="Harbour", time_zone="Europe/Rome")


def assign(user: User, role: str = "librarian", **changes: Any) -> RoleAssignment:
    values: dict[str, Any] = {"by": SYSTEM, "now": clock.now(), **changes}
    return services.assign_role(user_id=user.pk, role=role, **values)


def unassign(assignment: RoleAssignment | int, **changes: Any) -> None:
    pk = assignment if isinstance(assignment, int) else assignment.pk
    values: dict[str, Any] = {"by": SYSTEM, "now": clock.now(), **changes}
    services.unassign_role(assignment_id=pk, **values)


def admin_assignment() -> RoleAssignment:
    return RoleAssignment.objects.get(role__code="admin", branch=None)


# -- giving ---------------------------------------------------------------------------------------------------


def test_a_role_is_given_for_the_library_or_for_a_branch(reader: User, harbour: Branch) -> None:
    assert assign(reader).branch is None
    assert assign(reader, branch="harbour").branch == harbour
    assert selectors.load_principal(reader.pk).may("circulation.lend")


@pytest.mark.parametrize("branch", [None, "harbour"])
def test_the_same_role_is_not_given_twice(reader: User, harbour: Branch, branch: str | None) -> None:
    assign(reader, branch=branch)
    before = RoleAssignment.objects.count(), AuditEntry.objects.count()
    with pytest.raises(AlreadyAssigned):
        assign(reader, branch=branch)
    assert (RoleAssignment.objects.count(), AuditEntry.objects.count()) == before


def test_what_does_not_exist_cannot_be_given(reader: User) -> None:
    before = RoleAssignment.objects.count()
    for wrong in ({"role": "emperor"}, {"branch": "atlantis"}):
        with pytest.raises(NotFound):
            assign(reader, **wrong)
    with pytest.raises(NotFound):
        assign(replace_pk(reader))
    assert RoleAssignment.objects.count() == before


def replace_pk(user: User) -> User:
    return User(id=user.pk + 1000)


def test_giving_and_taking_are_audited(reader: User, harbour: Branch) -> None:
    by = Actor(kind="person", user_id=1)
    assignment = assign(reader, branch="harbour", by=by)
    target = str(assignment.pk)
    unassign(assignment, by=by)
    entries = AuditEntry.objects.filter(target_type="access.roleassignment", target_id=target).order_by("id")
    changes = {"user": reader.pk, "role": "librarian", "branch": "harbour"}
    assert [(entry.action, entry.changes, entry.actor_user_id) for entry in entries] == [
        ("role.assigned", changes, 1),
        ("role.unassigned", changes, 1),
    ]


def test_giving_and_taking_are_security_events(reader: User, harbour: Branch) -> None:
    by = Actor(kind="person", user_id=1)
    unassign(assign(reader, branch="harbour", by=by), by=by)
    with pytest.raises(CannotGrant):
        assign(reader, "admin", by=by, granter=Principal(user_id=1))
    events = SecurityEvent.objects.filter(kind__startswith="role_").order_by("id")
    facts = {"role": "librarian", "branch": "harbour"}
    assert [(row.kind, row.user_id, row.actor_user_id, row.facts) for row in events] == [
        ("role_granted", reader.pk, 1, facts),
        ("role_revoked", reader.pk, 1, facts),
    ]


# -- who may give ---------------------------------------------------------------------------------------------


def test_nobody_gives_what_they_do_not_have(reader: User) -> None:
    deputy = replace(ADMIN, permissions=frozenset({"roles.manage", "catalog.view"}))
    before = RoleAssignment.objects.count()
    for role in ("admin", "librarian"):
        with pytest.raises(CannotGrant):
            assign(reader, role, granter=deputy)
    assert RoleAssignment.objects.count() == before
    assert assign(reader, "guest", granter=deputy)
    assert assign(reader, "librarian", granter=ADMIN)


def test_holding_the_permissions_is_not_the_right_to_give_them(reader: User) -> None:
    librarian = selectors.load_principal(User.objects.get(email="librarian@north.example").pk)
    with pytest.raises(CannotGrant):
        assign(reader, "librarian", granter=librarian)


def test_a_branch_admin_gives_roles_at_that_branch_alone(reader: User, harbour: Branch) -> None:
    here = Principal(user_id=1, branch_permissions={harbour.pk: frozenset(PERMISSIONS)})
    assert assign(reader, "librarian", branch="harbour", granter=here)
    for branch in (None, "main"):
        with pytest.raises(CannotGrant):
            assign(reader, "librarian", branch=branch, granter=here)


def test_nobody_takes_away_what_they_could_not_give(reader: User) -> None:
    deputy = replace(ADMIN, permissions=frozenset({"roles.manage", "catalog.view"}))
    assignment = assign(reader, "librarian")
    with pytest.raises(CannotGrant):
        unassign(assignment, granter=deputy)
    assert RoleAssignment.objects.filter(pk=assignment.pk).exists()
    unassign(assignment, granter=ADMIN)
    assert not RoleAssignment.objects.filter(pk=assignment.pk).exists()


# -- the last admin -------------------------------------------------------------------------------------------


def test_the_last_admin_stays(reader: User) -> None:
    with pytest.raises(LastAdmin):
        unassign(admin_assignment(), granter=ADMIN)
    assert admin_assignment()
    second = assign(reader, "admin")
    unassign(RoleAssignment.objects.filter(role__code="admin").exclude(pk=second.pk)[0])
    with pytest.raises(LastAdmin):
        unassign(second)


def test_an_inactive_admin_and_an_admin_of_a_part_do_not_count(reader: User, harbour: Branch) -> None:
    first = admin_assignment()
    factories.CollectionFactory(code="maps")
    assign(reader, "admin", branch="harbour")
    assign(reader, "admin", collection="maps")
    with pytest.raises(LastAdmin):
        unassign(first)
    with pytest.raises(LastAdmin):
        services.require_not_last_admin(first.user_id or 0)
    assert [user.pk for user in selectors.admins()] == [first.user_id]
    assign(reader, "admin")
    User.objects.filter(pk=reader.pk).update(is_active=False)
    with pytest.raises(LastAdmin):
        unassign(first)
    User.objects.filter(pk=reader.pk).update(is_active=True)
    unassign(first)


def test_an_admin_of_a_branch_can_be_removed(reader: User, harbour: Branch) -> None:
    unassign(assign(reader, "admin", branch="harbour"))


def test_an_assignment_that_does_not_exist_cannot_be_removed(in_north: Any) -> None:
    with pytest.raises(NotFound):
        unassign(999_999)


def test_an_account_that_is_the_last_admin_cannot_go(reader: User) -> None:
    (admin,) = User.objects.filter(email="admin@north.example")
    with transaction.atomic(), pytest.raises(LastAdmin):
        services.require_not_last_admin(admin.pk)
    services.require_not_last_admin(reader.pk)
    assign(reader, "admin")
    services.require_not_last_admin(admin.pk)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(LastAdmin):
        services.require_not_last_admin(reader.pk)
    # Somebody who cannot sign in is missed by nobody.
    services.require_not_last_admin(admin.pk)


def test_a_machine_does_not_count_as_an_admin(in_north: Any) -> None:
    machine = factories.ServiceAccountFactory()
    given = services.assign_role(service_account_id=machine.pk, role="admin", by=SYSTEM, now=clock.now())
    with pytest.raises(LastAdmin):
        unassign(RoleAssignment.objects.get(role__code="admin", user__isnull=False))
    unassign(given)


# -- machines and collections -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [{}, {"branch": "harbour"}, {"collection": "maps"}])
def test_a_machine_holds_roles_as_people_do(harbour: Branch, scope: dict[str, str]) -> None:
    factories.CollectionFactory(code="maps")
    machine = factories.ServiceAccountFactory()
    values: dict[str, Any] = {"role": "librarian", "by": SYSTEM, "now": clock.now(), **scope}
    given = services.assign_role(service_account_id=machine.pk, **values)
    before = RoleAssignment.objects.count(), AuditEntry.objects.count()
    with pytest.raises(AlreadyAssigned):
        services.assign_role(service_account_id=machine.pk, **values)
    assert (RoleAssignment.objects.count(), AuditEntry.objects.count()) == before
    rights = machines.rights_of_service_account(machine.pk)
    assert [bool(part) for part in (rights.everywhere, rights.by_branch, rights.by_collection)] == [
        not scope,
        "branch" in scope,
        "collection" in scope,
    ]
    (entry,) = AuditEntry.objects.filter(action="role.assigned", target_id=str(given.pk))
    assert entry.changes == {
        "service_account": machine.pk,
        "role": "librarian",
        "branch": scope.get("branch"),
        **({"collection": "maps"} if "collection" in scope else {}),
    }


def test_what_no_key_may_does_not_come_with_a_role_either(in_north: Any) -> None:
    machine = factories.ServiceAccountFactory()
    services.assign_role(service_account_id=machine.pk, role="admin", by=SYSTEM, now=clock.now())
    rights = machines.rights_of_service_account(machine.pk)
    assert rights.everywhere == set(PERMISSIONS) - {"roles.manage", "keys.manage", "members.manage"}


def test_the_same_role_may_be_held_in_several_places(reader: User, harbour: Branch) -> None:
    for code in ("maps", "prints"):
        factories.CollectionFactory(code=code)
        assign(reader, collection=code)
        with pytest.raises(AlreadyAssigned):
            assign(reader, collection=code)
    for branch in (None, "harbour", "main"):
        assign(reader, branch=branch)
    assert RoleAssignment.objects.filter(user=reader, role__code="librarian").count() == 5


def test_a_keeper_of_a_collection_gives_roles_for_it_alone(reader: User) -> None:
    maps, _prints = (factories.CollectionFactory(code=code) for code in ("maps", "prints"))
    here = Principal(user_id=1, collection_permissions={maps.pk: frozenset(PERMISSIONS)})
    assert assign(reader, "librarian", collection="maps", granter=here)
    before = RoleAssignment.objects.count()
    for scope in ({}, {"branch": "main"}, {"collection": "prints"}):
        with pytest.raises(CannotGrant):
            assign(reader, "librarian", granter=here, **scope)
    assert RoleAssignment.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"user": None}, "access_assignment_one_holder"),
        ({"service_account": "machine"}, "access_assignment_one_holder"),
        ({"branch": "harbour", "collection": "maps"}, "access_assignment_one_scope"),
    ],
)
def test_the_database_keeps_one_holder_and_one_scope(
    reader: User, harbour: Branch, wrong: dict[str, Any], constraint: str
) -> None:
    made = {
        "machine": factories.ServiceAccountFactory(),
        "harbour": harbour,
        "maps": factories.CollectionFactory(code="maps"),
        None: None,
    }
    values = {"user": reader, **{field: made[name] for field, name in wrong.items()}}
    role = Role.objects.get(code="librarian")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RoleAssignment.objects.create(role=role, created_at=clock.now(), **values)
    assert RoleAssignment.objects.create(role=role, created_at=clock.now(), user=reader)


def test_a_collection_for_which_somebody_holds_a_role_stays(reader: User) -> None:
    maps = factories.CollectionFactory(code="maps")
    given = assign(reader, collection="maps")
    with pytest.raises(CollectionInUse):
        collections.delete_collection(collection_id=maps.pk, by=SYSTEM, now=clock.now())
    assert RoleAssignment.objects.filter(pk=given.pk).exists()
    unassign(given)
    collections.delete_collection(collection_id=maps.pk, by=SYSTEM, now=clock.now())


# -- members and new libraries --------------------------------------------------------------------------------


def test_a_member_is_an_account_with_a_role_or_nothing(in_north: Any) -> None:
    values: dict[str, Any] = {
        "name": "Lea",
        "password": "correct-horse-battery",
        "now": clock.now(),
        "by": SYSTEM,
    }
    lea = services.create_member(email="lea@north.example", role="librarian", **values)
    assert selectors.load_principal(lea.pk).roles == ("librarian",)
    with pytest.raises(NotFound):
        services.create_member(email="nia@north.example", role="emperor", **values)
    assert not User.objects.filter(email="nia@north.example").exists()
    with pytest.raises(EmailTaken):
        services.create_member(email="LEA@north.example", role="reader", **values)


def seed_for(library: Any, **changes: Any) -> LibrarySeed:
    values: dict[str, Any] = {
        "library": library,
        "admin_email": "founder@north.example",
        "admin_name": "Founder",
        "admin_password_hash": "md5$x$y",
        "language": "it",
        "country": "IT",
        "time_zone": "Europe/Rome",
        "now": clock.now(),
    }
    return LibrarySeed(**{**values, **changes})


def test_a_new_library_gets_its_roles_and_its_first_admin(in_north: Any) -> None:
    RoleAssignment.objects.all().delete()
    Role.objects.all().delete()
    services.prepare_library("default")
    with translation.override("it"):
        services.seed_library(seed_for(in_north))
    stored = {role.code: set(role.permissions) for role in Role.objects.all()}
    assert stored == {role.code: set(role.permissions) for role in STANDARD_ROLES}
    founder = User.objects.get(email="founder@north.example")
    assert founder.password == "md5$x$y"
    assert selectors.load_principal(founder.pk).permissions == set(PERMISSIONS)
    assert founder.emailaddress_set.get().verified
    assert Role.objects.get(code="admin").name == "Amministratore"
    assignment = RoleAssignment.objects.get()
    entry = AuditEntry.objects.get(action="role.assigned", target_id=str(assignment.pk))
    assert entry.changes == {"user": founder.pk, "role": "admin", "branch": None}
