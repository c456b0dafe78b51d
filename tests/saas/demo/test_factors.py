"""Platform staff of the demo have an authenticator app, the same at every start, with which they may work."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from saas.core import clock
from saas.demo import accounts, content, factors
from tests.authenticators import code_at

pytestmark = pytest.mark.django_db


def test_the_printed_secret_signs_staff_in(public_api: Any) -> None:
    content._make_staff()
    secret = factors.staff_secret()
    body = {"email": accounts.STAFF, "password": accounts.PASSWORD}
    login = "/api/v1/auth/login/"
    assert public_api().post(login, body, format="json").json()["code"] == "mfa_required"
    answer = public_api().post(login, {**body, "otp": code_at(secret, clock.now())}, format="json")
    client = public_api()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
    assert client.get("/api/v1/platform/libraries/").status_code == 200
    assert secret in accounts.card(port=8123, socket_port=8124, seconds=3, staff_secret=secret)


def test_a_second_start_keeps_the_secret(db: None) -> None:
    content._make_staff()
    assert factors.staff_secret() == factors.staff_secret()
    assert Authenticator.objects.filter(user__email=accounts.STAFF).count() == 1


def test_another_secret_key_makes_another_secret(settings: Any) -> None:
    content._make_staff()
    first = factors.staff_secret()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-for-a-test-" * 3
    assert factors.staff_secret() == first, "a key that is rotated out still opens it"
    settings.SECRET_KEY_FALLBACKS = []
    second = factors.staff_secret()
    assert second != first
    assert factors.staff_secret() == second
