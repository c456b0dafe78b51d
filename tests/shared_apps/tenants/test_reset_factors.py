"""Somebody who has lost every factor gets back in by whoever runs the installation, and is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from saas.core.tenancy import in_library, in_public
from shared_apps.accounts.services import User
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.services import relay
from tests.authenticators import app_of, passkey_of
from tests.factories import PASSWORD, UserFactory

LOGIN = "/api/v1/auth/login/"
pytestmark = pytest.mark.django_db


def reset(*arguments: str) -> str:
    said = io.StringIO()
    call_command("reset_factors", *arguments, stdout=said)
    return said.getvalue()


def test_a_lost_factor_is_taken_away_from_a_shell_alone(
    api: Any, north: Any, south: Any, mailoutbox: Any
) -> None:
    for library in (north, south):
        with in_library(library):
            person = User.objects.get(email=f"reader@{library.subdomain}.example")
            User.objects.filter(pk=person.pk).update(email="lea@people.example")
            person.emailaddress_set.update(email="lea@people.example")
            app_of(person)
            passkey_of(person)
    body = {"email": "lea@people.example", "password": PASSWORD}
    assert api(north).post(LOGIN, body, format="json").json()["code"] == "mfa_required"
    assert "Taken away: 2." in reset("lea@people.example", "--library", "north")
    assert api(north).post(LOGIN, body, format="json").status_code == 200
    assert api(south).post(LOGIN, body, format="json").json()["code"] == "mfa_required"
    with in_library(north):
        assert not Authenticator.objects.exists()
        assert AuditEntry.objects.filter(action="factor.changed", actor_kind="system").count() >= 1
        relay()
    assert "second factors were taken away" in mailoutbox[0].body


def test_platform_staff_without_a_library(db: None) -> None:
    with in_public():
        staff = UserFactory(email="lost@platform.example", is_staff=True)
    assert "Taken away: 1." in reset("lost@platform.example")
    assert not Authenticator.objects.filter(user=staff).exists()


@pytest.mark.parametrize(
    "arguments", [("nobody@people.example",), ("reader@north.example", "--library", "nowhere")]
)
def test_what_does_not_exist_is_said(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="There is no"):
        reset(*arguments)
