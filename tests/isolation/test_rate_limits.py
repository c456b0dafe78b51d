"""Limits are one library's, one user's, one key's, one address's own: nobody uses up what is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from saas.core.api import throttling
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from shared_apps.entitlements import selectors as entitlements
from tests.conftest import client_for
from tests.tenant_apps.keys.makers import everything, key_client, make_key

pytestmark = pytest.mark.django_db
PATH = "/api/v1/branches/"


@pytest.fixture
def limits(settings: Any) -> Any:
    """Small limits; the plans' own numbers stay away."""

    def set_to(**numbers: int) -> None:
        named = {name.replace("_", "-"): (number, 60) for name, number in numbers.items()}
        settings.RATE_LIMITS = {
            **dict.fromkeys(django_settings.RATE_LIMITS, (10000, 60)),
            **named,
        }

    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMIT_RESOLVER = None
    return set_to


def statuses(client: Any, times: int, address: str = "192.0.2.1", **headers: str) -> list[int]:
    return [client.get(PATH, REMOTE_ADDR=address, headers=headers).status_code for _ in range(times)]


def test_one_library_s_callers_use_up_their_own_librarys_requests(
    limits: Any, north: Any, south: Any
) -> None:
    limits(library=3)
    assert statuses(client_for(north, "admin"), 5) == [200, 200, 200, 429, 429]
    assert statuses(client_for(north, "reader"), 1) == [429]
    assert statuses(client_for(south, "admin"), 3) == [200, 200, 200]


def test_strangers_leave_the_people_of_a_library_their_half(limits: Any, north: Any, south: Any) -> None:
    limits(library=6, library_guests=3)
    flood = [client_for(north).get(PATH, REMOTE_ADDR=f"192.0.2.{n}").status_code for n in range(10)]
    assert flood == [200] * 3 + [429] * 7
    # What was refused cost nothing: half of it all is left.
    assert statuses(client_for(north, "reader"), 4) == [200, 200, 200, 429]
    assert statuses(client_for(south), 1) == [200]


def test_users_do_not_share(limits: Any, north: Any, south: Any) -> None:
    limits(burst=2)
    assert statuses(client_for(north, "reader"), 3) == [200, 200, 429]
    assert statuses(client_for(north, "librarian"), 2) == [200, 200]
    # The same user id elsewhere, from the same address.
    with in_library(north):
        reader = User.objects.get(email="reader@north.example")
    with in_library(south):
        assert User.objects.get(email="reader@south.example").pk == reader.pk
    assert statuses(client_for(south, "reader"), 2) == [200, 200]


def test_a_makers_keys_do_not_share_and_are_not_the_makers_own(limits: Any, north: Any, south: Any) -> None:
    limits(key=2, burst=2)
    with in_library(north):
        maker = everything(User.objects.get(email="admin@north.example").pk)
    first, second = (make_key(north, "catalog.view", maker=maker, name=name).key for name in ("a", "b"))
    assert statuses(key_client(north, first), 3) == [200, 200, 429]
    assert statuses(key_client(north, second), 2) == [200, 200]
    assert statuses(client_for(north, "admin"), 2) == [200, 200]
    elsewhere = make_key(south, "catalog.view").key
    assert statuses(key_client(south, elsewhere), 2) == [200, 200]


def test_wrong_credentials_cost_their_address_and_not_who_they_name(
    limits: Any, north: Any, south: Any
) -> None:
    limits(anonymous=3, burst=3)
    victim = client_for(north, "reader")
    good = victim._credentials["HTTP_AUTHORIZATION"]
    forged = APIClient(HTTP_HOST="north.localhost", HTTP_AUTHORIZATION=good[:-3] + "xyz")
    assert statuses(forged, 5, "198.51.100.1") == [401, 401, 401, 429, 429]
    stolen = APIClient(HTTP_HOST="south.localhost", HTTP_AUTHORIZATION=good)
    assert statuses(stolen, 4, "198.51.100.2") == [401, 401, 401, 429]
    # The victim, even at the attacker's address, has everything left.
    assert statuses(victim, 3, "198.51.100.1") == [200, 200, 200]


def test_wrong_credentials_cost_the_library_nothing(limits: Any, north: Any) -> None:
    limits(library=2, library_guests=2)
    forged = APIClient(HTTP_HOST="north.localhost", HTTP_AUTHORIZATION="Bearer x.y.z")
    assert statuses(forged, 6) == [401] * 6
    assert statuses(client_for(north, "reader"), 2) == [200, 200]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"])
def test_nobody_names_another_address(limits: Any, north: Any, name: str) -> None:
    """Neither to spend somebody else's requests nor to have a fresh number of one's own."""
    limits(anonymous=2)
    client = client_for(north)
    sent = [{name.lower(): f"203.0.113.{n}"} for n in range(4)]
    assert [statuses(client, 1, "192.0.2.1", **headers)[0] for headers in sent] == [200, 200, 429, 429]
    assert statuses(client, 2, "203.0.113.1") == [200, 200]


def test_behind_a_proxy_of_ours_its_entry_counts_alone(limits: Any, north: Any, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    limits(anonymous=2)
    client = client_for(north)
    for invented in ("203.0.113.1", "10.0.0.1"):
        header = {"x-forwarded-for": f"{invented}, 192.0.2.7"}
        assert statuses(client, 1, "10.1.1.1", **header) == [200]
    assert statuses(client, 1, "10.1.1.1", **{"x-forwarded-for": "198.51.100.1, 192.0.2.7"}) == [429]
    assert statuses(client, 1, "10.1.1.1", **{"x-forwarded-for": "192.0.2.7, 192.0.2.8"}) == [200]


def test_ipv6_callers_own_a_network(limits: Any, north: Any) -> None:
    limits(anonymous=2)
    client = client_for(north)
    found = [statuses(client, 1, f"2001:db8:1:2::{n:x}")[0] for n in range(1, 4)]
    assert found == [200, 200, 429]
    assert statuses(client, 1, "2001:db8:1:3::1") == [200]


def test_guessing_at_one_library_locks_nobody_out_of_another(limits: Any, north: Any, south: Any) -> None:
    limits(login_account=3, login_address=100)

    def sign_in(library: Any, password: str) -> int:
        body = {"email": "reader@north.example", "password": password}
        answer = client_for(library).post("/api/v1/auth/login/", body, format="json")
        return int(answer.status_code)

    assert [sign_in(south, "wrong-password") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert sign_in(north, "wrong-password") == 401


# -- the numbers of the plans ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", entitlements.plan_codes())
def test_a_plan_has_numbers_for_all_guests_and_keys(code: str) -> None:
    whole, seconds = entitlements.rate_limit(code)
    assert seconds == 60
    for policy in ("library-guests", "key"):
        assert entitlements.rate_limit(code, policy) == (whole // 2, 60)


def test_a_library_has_the_numbers_of_its_own_plan(north: Any) -> None:
    with in_library(north):
        assert throttling.policy("library").quota == entitlements.rate_limit(north.plan)[0]
        assert throttling.policy("library-guests").quota == entitlements.rate_limit(north.plan)[0] // 2
        assert throttling.policy("burst").quota == django_settings.RATE_LIMITS["burst"][0]
    # On the public site there is no plan.
    assert throttling.policy("key").quota == django_settings.RATE_LIMITS["key"][0]
