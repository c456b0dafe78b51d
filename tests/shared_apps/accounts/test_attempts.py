"""Guessing is slow for one account and from one address, and the owner still gets in."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.errors import RateLimited
from saas.core.tenancy import in_library
from shared_apps.accounts.services import attempts
from shared_apps.audit.models import AuditEntry

pytestmark = pytest.mark.django_db
WRONG = "not-the-password"


def guess(sign_in: Any, times: int, name: str = "lea", **changes: Any) -> list[int]:
    return [sign_in(name, password=WRONG, **changes).status_code for _ in range(times)]


def test_an_account_is_locked_after_its_failures_also_for_the_right_password(
    limits: Any, person: Any, sign_in: Any
) -> None:
    person()
    assert guess(sign_in, 3) == [401, 401, 401]
    locked = sign_in()
    assert locked.status_code == 429
    assert locked.json()["code"] == "rate_limited"
    assert 1 <= int(locked.headers["Retry-After"]) <= 300


def test_another_account_is_not_locked_with_it(limits: Any, person: Any, sign_in: Any) -> None:
    person()
    person("nia")
    guess(sign_in, 4)
    assert sign_in().status_code == 429
    assert sign_in("nia").status_code == 200


def test_an_account_that_does_not_exist_is_locked_alike(limits: Any, sign_in: Any) -> None:
    assert guess(sign_in, 4, "nobody") == [401, 401, 401, 429]
    assert sign_in(email="NOBODY@north.example", password=WRONG).status_code == 429


def test_success_is_not_counted(limits: Any, person: Any, sign_in: Any) -> None:
    person()
    assert [sign_in().status_code for _ in range(8)] == [200] * 8
    assert guess(sign_in, 4) == [401, 401, 401, 429]


def test_success_between_guesses_does_not_wipe_them_out(limits: Any, person: Any, sign_in: Any) -> None:
    person()
    assert guess(sign_in, 2) == [401, 401]
    assert sign_in().status_code == 200
    assert guess(sign_in, 2) == [401, 429]


def test_a_card_and_an_address_of_one_account_share_its_attempts(
    limits: Any, person: Any, north: Any, settings: Any
) -> None:
    user = person()
    with in_library(north):
        for name in ("lea@north.example", "card 2900", "LEA@north.example"):
            attempts.begin(name=name, user=user, address="address:one")
        with pytest.raises(RateLimited):
            attempts.begin(name="card 2901", user=user, address="address:one")
        assert attempts.begin(name="card 2901", user=None, address="address:one") is not None


def test_one_address_cannot_try_many_accounts(limits: Any, person: Any, sign_in: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": (4, 300)}
    person()
    answers = [guess(sign_in, 1, f"somebody{number}")[0] for number in range(5)]
    assert answers == [401, 401, 401, 401, 429]
    assert sign_in().status_code == 429


def test_who_locks_an_account_locks_it_for_their_own_address(
    limits: Any, person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    """The owner gets in from home, with a browser that the library has never seen."""
    person()
    assert guess(sign_in, 4) == [401, 401, 401, 429]
    assert sign_in().status_code == 429
    home = api(north)
    home.defaults["REMOTE_ADDR"] = "198.51.100.7"
    assert sign_in(client=home).status_code == 200


def test_guesses_from_many_addresses_are_slowed_and_the_owners_browser_gets_in(
    limits: Any, person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "login-account-anywhere": (6, 900)}
    person()
    browser = api(north)
    assert sign_in(client=browser, transport="cookie").status_code == 200
    answers = []
    for number in range(8):
        bot = api(north)
        bot.defaults["REMOTE_ADDR"] = f"198.51.100.{number}"
        answers += guess(sign_in, 1, client=bot)
    assert answers == [401] * 6 + [429, 429]
    # A good sign-in between the guesses wipes none of them out.
    assert sign_in(client=browser, transport="cookie").status_code == 200
    stranger = api(north)
    stranger.defaults["REMOTE_ADDR"] = "198.51.100.99"
    assert sign_in(client=stranger).status_code == 429


def test_the_wait_is_for_one_library_alone(
    limits: Any, person: Any, sign_in: Any, api: Any, south: Any
) -> None:
    person()
    guess(sign_in, 4)
    body = {"email": "lea@north.example", "password": WRONG}
    assert api(south).post("/api/v1/auth/login/", body, format="json").status_code == 401


def test_the_owners_browser_still_gets_in(
    limits: Any, person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    person()
    browser = api(north)
    assert sign_in(client=browser, transport="cookie").status_code == 200
    guess(sign_in, 4)
    assert sign_in().status_code == 429
    assert sign_in(client=browser, transport="cookie").status_code == 200
    # It has attempts of its own, not endless ones.
    assert guess(sign_in, 4, client=browser) == [401, 401, 401, 429]


@pytest.mark.usefixtures("limits")
def test_a_device_helps_its_own_user_in_its_own_library_alone(
    person: Any, sign_in: Any, api: Any, north: Any, south: Any
) -> None:
    person()
    nia = person("nia")
    with in_library(north):
        of_nia = attempts.new_device(nia)
    with in_library(south):
        of_south = attempts.new_device(nia)
    guess(sign_in, 4)
    for device in (of_nia, of_south, "forged", "x" * 600):
        browser = api(north)
        browser.cookies["libraryhub-device"] = device
        assert sign_in(client=browser).status_code == 429
    guess(sign_in, 4, "nia")
    browser = api(north)
    browser.cookies["libraryhub-device"] = of_nia
    assert sign_in("nia", client=browser).status_code == 200


def test_a_lock_is_audited_once_and_logged_each_time(
    limits: Any, person: Any, sign_in: Any, north: Any, caplog: pytest.LogCaptureFixture
) -> None:
    user = person()
    with caplog.at_level("WARNING"):
        guess(sign_in, 6)
    with in_library(north):
        entries = AuditEntry.objects.filter(action="session.limited")
        assert list(entries.values_list("target_id", "changes")) == [
            (str(user.pk), {"policies": ["login-account"]})
        ]
    assert caplog.text.count("sign_in_limited") == 3


def test_nothing_is_counted_while_limits_are_off(person: Any, sign_in: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-account": (1, 300)}
    person()
    assert guess(sign_in, 3) == [401, 401, 401]
