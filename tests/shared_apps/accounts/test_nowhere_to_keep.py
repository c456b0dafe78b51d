"""With Redis away, what needs two steps is refused at the first one and leaves nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tests.shared_apps.accounts.conftest import PASSWORD

AUTH = "/api/v1/auth/"
FIRST_STEPS = {
    "an authenticator app": ("mfa/totp/", True),
    "a passkey": ("mfa/webauthn/options/", True),
    "signing in with a passkey": ("webauthn/options/", False),
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_goes(settings: Any) -> Callable[[], None]:
    """From the call on nothing listens where the cache is."""

    def go() -> None:
        away = copy.deepcopy(settings.CACHES)
        away["default"]["LOCATION"] = "redis://127.0.0.1:1/0"
        settings.CACHES = away

    return go


def rows(north: Any) -> list[int]:
    with in_library(north):
        return [model.objects.count() for model in (Authenticator, AuditEntry, OutboxMessage)]


@pytest.mark.parametrize(("path", "proved"), FIRST_STEPS.values(), ids=FIRST_STEPS)
def test_nothing_begins_that_could_not_be_finished(
    path: str, proved: bool, holder: Any, api: Any, north: Any, redis_goes: Any
) -> None:
    lea = holder()
    client, body = (lea.client, {"password": PASSWORD}) if proved else (api(north), {})
    assert client.post(f"{AUTH}{path}", body, format="json").status_code == 200
    before = rows(north)
    redis_goes()
    answer = client.post(f"{AUTH}{path}", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
    assert set(answer.json()).isdisjoint({"secret", "uri", "challenge", "publicKey"})
    assert int(answer["Retry-After"]) > 0
    assert not answer.cookies
    assert rows(north) == before


def test_what_was_begun_before_has_to_be_begun_again(holder: Any, north: Any, redis_goes: Any) -> None:
    lea = holder()
    lea.secret = lea.post("totp/").json()["secret"]
    redis_goes()
    answer = lea.post("totp/confirm/", {"code": lea.code()})
    assert answer.json()["code"] == "enrolment_expired", answer.json()
    with in_library(north):
        assert not Authenticator.objects.exists()
