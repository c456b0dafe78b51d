"""Accounts: one person, one address, in each schema of its own."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError

from saas.core import clock
from saas.core.errors import ValidationFailed
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import selectors
from shared_apps.accounts.errors import EmailTaken
from shared_apps.accounts.models import User
from shared_apps.accounts.services import create_user
from shared_apps.audit.models import AuditEntry, AuditPersonalValues

pytestmark = pytest.mark.django_db


def make(**changes: Any) -> User:
    values: dict[str, Any] = {"email": "Lea@North.example ", "name": "Lea", "verified": True}
    return create_user(**{**values, **changes}, now=clock.now(), by=SYSTEM)


def test_an_account_has_its_address_verified_or_not(in_north: Any) -> None:
    user = make()
    address = EmailAddress.objects.get(user=user)
    assert (user.email, address.email) == ("lea@north.example", "lea@north.example")
    assert (address.verified, address.primary) == (True, True)
    assert selectors.has_verified_email(user)
    assert not selectors.has_verified_email(make(email="nia@north.example", verified=False))


def test_an_address_is_taken_in_any_spelling_of_its_case(in_north: Any) -> None:
    make()
    before = User.objects.count()
    for email in ("lea@north.example", "LEA@NORTH.EXAMPLE"):
        with pytest.raises(EmailTaken):
            make(email=email)
    assert User.objects.count() == before
    assert selectors.user_with_email("LEA@north.EXAMPLE") == User.objects.get(email="lea@north.example")
    assert selectors.user_with_email("nobody@north.example") is None


def test_the_database_itself_refuses_a_second_spelling(in_north: Any) -> None:
    make()
    with pytest.raises(IntegrityError):
        User(email="LEA@north.example").save()


def test_the_same_person_may_have_an_account_in_another_library(north: Any, south: Any) -> None:
    for library in (north, south):
        with in_library(library):
            make()
    with in_library(north):
        User.objects.filter(email="lea@north.example").update(name="Changed")
    with in_library(south):
        assert User.objects.get(email="lea@north.example").name == "Lea"


def test_a_given_hash_is_kept_as_it_is(in_north: Any) -> None:
    hashed = make_password("correct-horse-battery")
    user = make(password_hash=hashed)
    assert user.password == hashed
    assert user.check_password("correct-horse-battery")


def test_a_weak_password_makes_no_account(in_north: Any) -> None:
    before = User.objects.count()
    with pytest.raises(ValidationFailed) as refused:
        make(password="123")
    assert {problem.code for problem in refused.value.errors} >= {"password_too_short", "password_too_common"}
    assert {problem.field for problem in refused.value.errors} == {"password"}
    assert User.objects.count() == before


def test_without_a_password_nobody_gets_in(in_north: Any) -> None:
    assert not make().has_usable_password()


def test_making_an_account_is_audited_with_its_personal_values_apart(in_north: Any) -> None:
    user = make()
    entry = AuditEntry.objects.get(action="user.created", target_id=str(user.pk))
    assert entry.changes == {"verified": True, "is_staff": False}
    assert AuditPersonalValues.objects.get(entry=entry).values == {
        "email": "lea@north.example",
        "name": "Lea",
    }


def test_a_superuser_of_the_command_line_can_sign_in_at_once(public_api: Any) -> None:
    user = User.objects.create_superuser("Root@Platform.example", "correct-horse-battery", name="Root")
    assert (user.is_staff, user.is_superuser, user.get_full_name()) == (True, True, "Root")
    body = {"email": "root@platform.example", "password": "correct-horse-battery"}
    assert public_api().post("/api/v1/auth/login/", body, format="json").status_code == 200


def test_a_manager_refuses_an_account_without_address(in_north: Any) -> None:
    with pytest.raises(ValueError, match="e-mail"):
        User.objects.create_user("")
    assert User.objects.create_user("plain@north.example").get_full_name() == "plain@north.example"
    assert User.objects.get_by_natural_key("PLAIN@north.example").email == "plain@north.example"
