"""Rights of platform staff: on the public site alone, by their roles, in one query."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.principals import load_principal as load_for_site
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.platform.rules import DELETION_APPROVE, MANAGE, PERMISSIONS, ROLES, STAFF_MANAGE, VIEW
from shared_apps.platform.selectors import load_caller, load_principal
from tests.authenticators import app_of
from tests.factories import StaffRoleFactory


def person(email: str = "staff@platform.example", *, factor: bool = True, **flags: bool) -> User:
    user = User.objects.create_user(email, "correct-horse-battery", name="Sam Staff", **flags)
    if factor:
        app_of(user)
    return user


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("flags", "stored", "roles"),
    [
        ({}, ["owner"], ()),
        ({"is_superuser": True}, ["support"], ()),
        ({"is_staff": True}, [], ()),
        ({"is_staff": True}, ["operations", "billing"], ("billing", "operations")),
        ({"is_staff": True, "is_superuser": True}, [], ("owner",)),
        ({"is_staff": True, "is_superuser": True}, ["support"], ("support", "owner")),
    ],
)
def test_the_roles_of_staff_decide(flags: dict[str, bool], stored: list[str], roles: tuple[str, ...]) -> None:
    user = person(**flags)
    for role in stored:
        StaffRoleFactory(user=user, role=role)
    principal = load_principal(user.pk)
    caller = load_caller(user.pk, None)
    assert caller is not None
    assert caller.principal == principal
    assert principal.roles == roles
    assert principal.permissions == frozenset().union(*(ROLES[role] for role in roles))
    assert principal.is_authenticated
    assert (principal.email, principal.name) == ("staff@platform.example", "Sam Staff")


def test_an_owner_may_do_everything_and_nobody_else_may_manage_staff() -> None:
    assert ROLES["owner"] == frozenset(PERMISSIONS)
    for role in ("support", "billing", "operations"):
        assert ROLES[role] < ROLES["owner"]
        assert not ROLES[role] & {STAFF_MANAGE, DELETION_APPROVE}
        assert VIEW in ROLES[role]


@pytest.mark.django_db
def test_staff_without_a_second_factor_may_do_nothing() -> None:
    """Whatever the flags say; whoever is no member of staff needs none."""
    principal = load_principal(person(factor=False, is_staff=True, is_superuser=True).pk)
    assert principal.permissions == set()
    assert (principal.is_person, principal.needs_factor, principal.lacks_factor) == (True, True, True)
    other = load_principal(person("guest@platform.example", factor=False).pk)
    assert (other.needs_factor, other.lacks_factor) == (False, False)


@pytest.mark.django_db
def test_inactive_and_unknown_people_are_nobody() -> None:
    gone = person(is_staff=True, is_superuser=True, is_active=False)
    for user_id in (gone.pk, gone.pk + 1000, None):
        principal = load_principal(user_id)
        assert not principal.is_authenticated
        assert not principal.permissions


@pytest.mark.django_db
def test_one_query_and_none_for_strangers(django_assert_num_queries: Any) -> None:
    staff = StaffRoleFactory(role="support").user
    with django_assert_num_queries(1):
        assert load_principal(staff.pk).may(VIEW)
    with django_assert_num_queries(0):
        assert not load_principal(None).may(VIEW)


def test_an_id_of_staff_means_nothing_in_a_library(north: Any) -> None:
    staff = person(is_staff=True, is_superuser=True)
    assert load_for_site(staff.pk).may(MANAGE)
    with in_library(north):
        assert not load_for_site(staff.pk).may(VIEW)
