"""Rights of platform staff: on the public site alone, by two flags, in one query."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.principals import load_principal as load_for_site
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.platform.selectors import MANAGE, VIEW, load_principal


def person(email: str = "staff@platform.example", **flags: bool) -> User:
    return User.objects.create_user(email, "correct-horse-battery", name="Sam Staff", **flags)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("flags", "permissions"),
    [
        ({}, set()),
        ({"is_staff": True}, {VIEW}),
        ({"is_staff": True, "is_superuser": True}, {VIEW, MANAGE}),
        ({"is_superuser": True}, set()),
    ],
)
def test_the_flags_decide(flags: dict[str, bool], permissions: set[str]) -> None:
    principal = load_principal(person(**flags).pk)
    assert principal.permissions == permissions
    assert principal.is_authenticated
    assert (principal.email, principal.name) == ("staff@platform.example", "Sam Staff")
    assert principal.roles == (("staff",) if flags.get("is_staff") else ())


@pytest.mark.django_db
def test_inactive_and_unknown_people_are_nobody() -> None:
    gone = person(is_staff=True, is_superuser=True, is_active=False)
    for user_id in (gone.pk, gone.pk + 1000, None):
        principal = load_principal(user_id)
        assert not principal.is_authenticated
        assert not principal.permissions


@pytest.mark.django_db
def test_one_query_and_none_for_strangers(django_assert_num_queries: Any) -> None:
    staff = person(is_staff=True)
    with django_assert_num_queries(1):
        assert load_principal(staff.pk).may(VIEW)
    with django_assert_num_queries(0):
        assert not load_principal(None).may(VIEW)


def test_an_id_of_staff_means_nothing_in_a_library(north: Any) -> None:
    staff = person(is_staff=True, is_superuser=True)
    assert load_for_site(staff.pk).may(MANAGE)
    with in_library(north):
        assert not load_for_site(staff.pk).may(VIEW)
