"""Django and guardian answer what the kernel's Principal answers, whatever is given and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from guardian.shortcuts import get_objects_for_user
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.core.principals import SYSTEM
from shared_apps.accounts.models import User
from tenant_apps.access import services
from tenant_apps.access.machines import forget_meanings
from tenant_apps.access.models import BranchGrant, CollectionGrant, Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS, STANDARD_ROLES
from tenant_apps.access.selectors import load_principal
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection
from tests.database import sandbox
from tests.factories import NOW, BranchFactory, CollectionFactory, UserFactory
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
CUSTOM = "custom"
ROLES = [*(role.code for role in STANDARD_ROLES), CUSTOM]
# Whom, which role, and for what: the library (None), the nth branch or the nth collection.
SCOPES = [None, ("branch", 0), ("branch", 1), ("collection", 0), ("collection", 1)]
GRANT = st.tuples(st.integers(0, 1), st.sampled_from(ROLES), st.sampled_from(SCOPES))
STEP = st.one_of(
    st.tuples(st.just("give"), GRANT),
    st.tuples(st.just("give"), GRANT),
    st.tuples(st.just("take"), GRANT),
    st.tuples(st.just("change"), st.sets(st.sampled_from(sorted(PERMISSIONS)))),
)


class World:
    """Two people, two branches beside the first, two collections, and a role of the library's own."""

    def __init__(self) -> None:
        self.users = [UserFactory(), UserFactory()]
        self.scopes = {
            "branch": BranchFactory.create_batch(2),
            "collection": CollectionFactory.create_batch(2),
        }
        self.role = services.create_role(
            code=CUSTOM, name="Custom", permissions=["copies.manage", "catalog.manage"], by=SYSTEM, now=NOW
        )

    def apply(self, what: str, how: Any) -> None:
        """One change by the services that the API calls; what is given already, or to nobody, is passed over."""
        if what == "change":
            services.change_role(role_id=self.role.pk, changes={"permissions": how}, by=SYSTEM, now=NOW)
            return
        user, role, scope = how
        where = {} if scope is None else {scope[0]: self.scopes[scope[0]][scope[1]]}
        held = RoleAssignment.objects.filter(
            user=self.users[user],
            role__code=role,
            branch=where.get("branch"),
            collection=where.get("collection"),
        ).first()
        if what == "give" and held is None:
            codes = {name: row.code for name, row in where.items()}
            services.assign_role(user_id=self.users[user].pk, role=role, by=SYSTEM, now=NOW, **codes)
        elif what == "take" and held is not None:
            services.unassign_role(assignment_id=held.pk, by=SYSTEM, now=NOW)

    def assert_nothing_is_stale(self) -> None:
        """A process that has read rights before says what one says that has just started."""
        before = [load_principal(user.pk) for user in self.users]
        forget_meanings()
        assert before == [load_principal(user.pk) for user in self.users]

    def assert_equal(self) -> None:
        """Every permission, for every branch and collection, by every way of asking."""
        for user in self.users:
            if RoleAssignment.objects.filter(user=user).exists():
                assert_guardian_says_what_the_principal_says(user.pk)
            else:
                # A person without a role may do what a guest may; that is no grant.
                assert not User.objects.get(pk=user.pk).get_all_permissions()
                assert not BranchGrant.objects.filter(group__user=user).exists()


def assert_guardian_says_what_the_principal_says(user_id: int) -> None:
    principal, user = load_principal(user_id), User.objects.get(pk=user_id)
    for model, name in ((Branch, "branch_id"), (Collection, "collection_id")):
        rows = list(model.objects.all())
        for permission in PERMISSIONS:
            asked = f"{model._meta.app_label}.{permission}"
            expected = {row.pk for row in rows if principal.may(permission, **{name: row.pk})}
            assert {row.pk for row in rows if user.has_perm(asked, row)} == expected, asked
            found = get_objects_for_user(user, asked, model)
            assert set(found.values_list("pk", flat=True)) == expected, asked
            assert user.has_perm(asked) is (permission in principal.permissions), asked
            held = (
                principal.branches_for(permission)
                if model is Branch
                else principal.collections_for(permission)
            )
            assert expected == ({row.pk for row in rows} if held is None else held)


@contextmanager
def a_world() -> Iterator[World]:
    with sandbox():
        yield World()


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=1, max_size=10))
def test_whatever_is_given_and_taken_away_they_say_the_same(in_north: Any, steps: list[Any]) -> None:
    with a_world() as world:
        for what, how in steps:
            world.assert_nothing_is_stale()
            world.apply(what, how)
            world.assert_nothing_is_stale()
        world.assert_equal()
        # Nothing was left out that a repair would add, but for empty groups, which say nothing.
        before = grants()
        services.repair_projection()
        assert grants() == before


def grants() -> dict[str, set[Any]]:
    """What the groups with members are allowed, and who is in them."""
    return {
        "members": set(Group.objects.filter(user__isnull=False).values_list("name", "user")),
        "library": set(
            Group.objects.filter(user__isnull=False, permissions__isnull=False).values_list(
                "name", "permissions__codename", "permissions__content_type__model"
            )
        ),
        "branches": set(
            BranchGrant.objects.filter(group__user__isnull=False).values_list(
                "group__name", "permission__codename", "content_object"
            )
        ),
        "collections": set(
            CollectionGrant.objects.filter(group__user__isnull=False).values_list(
                "group__name", "permission__codename", "content_object"
            )
        ),
    }


def test_a_librarian_of_a_branch_by_every_way_of_asking(in_north: Any) -> None:
    """The same by example, so that the property above cannot hold for want of grants."""
    here, there = BranchFactory.create_batch(2)
    person = UserFactory()
    services.assign_role(user_id=person.pk, role="librarian", branch=here.code, by=SYSTEM, now=NOW)
    user = User.objects.get(pk=person.pk)

    assert user.has_perm("branches.copies.manage", here)
    assert not user.has_perm("branches.copies.manage", there)
    assert not user.has_perm("branches.copies.manage")
    # A title belongs to no branch: the role gives nothing of it there.
    assert not user.has_perm("branches.catalog.manage", here)
    assert list(get_objects_for_user(user, "branches.circulation.view", Branch)) == [here]
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert not User.objects.get(pk=person.pk).has_perm("branches.copies.manage", here)


def test_the_first_admin_of_a_library_may_do_everything_everywhere(in_north: Any) -> None:
    admin = User.objects.get(email="admin@north.example")
    branch, collection = BranchFactory(), CollectionFactory()
    for permission in PERMISSIONS:
        assert admin.has_perm(f"branches.{permission}", branch)
        assert admin.has_perm(f"collections.{permission}", collection)


def test_a_repair_mends_what_was_damaged_and_then_finds_nothing_to_do(in_north: Any) -> None:
    world = World()
    for scope in SCOPES:
        world.apply("give", (0, CUSTOM, scope))
    world.apply("give", (1, "librarian", ("branch", 1)))
    sound = grants()
    stranger = Group.objects.create(name="friends of the library")
    stranger.user_set.add(world.users[0])
    BranchGrant.objects.filter(group__name__contains="branch").first().delete()  # type: ignore[union-attr]
    CollectionGrant.objects.all().delete()
    Group.objects.get(name=f"role:{world.role.pk}").delete()
    role = Role.objects.get(code="librarian")
    Group.objects.get(name=f"role:{role.pk}:branch:{world.scopes['branch'][1].pk}").user_set.add(
        world.users[0]
    )
    Group.objects.create(name="role:999999:branch:1").user_set.add(world.users[0])
    assert grants() != sound

    services.repair_projection()

    mended = grants()
    assert mended["members"] - sound["members"] == {(stranger.name, world.users[0].pk)}
    assert {name: mended[name] for name in ("library", "branches", "collections")} == {
        name: sound[name] for name in ("library", "branches", "collections")
    }
    world.assert_equal()
    before = snapshot("lib_north")
    services.repair_projection()
    assert differences(before, snapshot("lib_north")) == {}


def test_what_is_refused_or_undone_leaves_no_rights_behind(in_north: Any) -> None:
    world = World()
    world.apply("give", (0, CUSTOM, ("branch", 0)))
    world.apply("take", (0, CUSTOM, ("branch", 0)))
    assert not User.objects.get(pk=world.users[0].pk).has_perm(
        "branches.copies.manage", world.scopes["branch"][0]
    )
    services.delete_role(role_id=world.role.pk, by=SYSTEM, now=NOW)
    assert not Group.objects.filter(name__startswith=f"role:{world.role.pk}").exists()


def test_a_collection_that_nobody_keeps_any_more_can_go(in_north: Any) -> None:
    """Its empty group is left behind and stands in nobody's way: neither of the deletion nor of a change of the role."""
    from tenant_apps.collections.services import delete_collection

    world = World()
    world.apply("give", (0, CUSTOM, ("collection", 0)))
    world.apply("give", (1, CUSTOM, ("collection", 1)))
    world.apply("take", (0, CUSTOM, ("collection", 0)))
    delete_collection(collection_id=world.scopes["collection"][0].pk, by=SYSTEM, now=NOW)

    world.apply("change", {"catalog.manage"})

    world.assert_equal()
    assert Group.objects.filter(name__startswith=f"role:{world.role.pk}:").count() == 1
