"""Fifty requests with one code, or one answer to a challenge, at the same moment: one succeeds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from rest_framework.test import APIClient

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User, UserSession
from shared_apps.accounts.services import Asker, Proof, begin_app, confirm_app, remove, remove_app
from shared_apps.accounts.services.passkeys import RelyingParty, begin_registration, register
from tests.authenticators import SoftPasskey, app_of, code_at, passkey_of, recovery_code
from tests.factories import PASSWORD

pytestmark = pytest.mark.slow
HOST = "east.localhost"
TRIES = 50


def at_once(act: Callable[[int], Any], tries: int = TRIES) -> Counter[Any]:
    """What each of many equal acts comes to; as many at a time as the database has connections for tests."""
    start = threading.Barrier(10)

    def run(number: int) -> Any:
        if number < 10:
            start.wait()
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(run, range(tries)))


def person(library: Any) -> Any:
    return User.objects.get(email=f"reader@{library.subdomain}.example")


def post(path: str, body: Any, client: Any = None) -> Any:
    client = client or APIClient(HTTP_HOST=HOST)
    answer = client.post(f"/api/v1/auth/{path}", body, format="json")
    return answer.status_code, answer.json().get("code", "")


def opened(library: Any) -> int:
    with in_library(library):
        return UserSession.objects.filter(user=person(library)).count()


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_one_code_opens_one_session(committed_library: Any, kind: str) -> None:
    with in_library(committed_library):
        user = person(committed_library)
        secret = app_of(user)
        passkey_of(user)  # brings recovery codes
        code = code_at(secret, clock.now()) if kind == "totp" else recovery_code(user)
    body = {"email": user.email, "password": PASSWORD, "otp": code}
    assert at_once(lambda _: post("login/", body)) == {(200, ""): 1, (401, "mfa_required"): TRIES - 1}
    assert opened(committed_library) == 1


def test_parallel_guesses_are_all_counted(committed_library: Any, settings: Any) -> None:
    """The right code is among the last of fifty: by then the budget is used up, whoever asked first."""
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {
        **settings.RATE_LIMITS,
        "login-account": (1000, 300),
        "login-address": (1000, 300),
        "login-code": (5, 3600),
        "burst": (1000, 60),
        "anonymous": (1000, 60),
    }
    with in_library(committed_library):
        user = person(committed_library)
        secret = app_of(user)
    right = code_at(secret, clock.now())
    wrong = [f"{number:06d}" for number in range(1000, 1060) if f"{number:06d}" != right]

    def attempt(number: int) -> Any:
        return post("login/", {"email": user.email, "password": PASSWORD, "otp": wrong[number]})

    assert at_once(attempt) == {(401, "mfa_required"): 5, (429, "rate_limited"): TRIES - 5}
    late = {"email": user.email, "password": PASSWORD, "otp": code_at(secret, clock.now())}
    assert post("login/", late) == (429, "rate_limited")
    assert opened(committed_library) == 0


def test_one_answer_of_a_passkey_opens_one_session(committed_library: Any) -> None:
    key = SoftPasskey(f"http://{HOST}", HOST)
    site = RelyingParty(HOST, f"http://{HOST}")
    with in_library(committed_library):
        user = person(committed_library)
        asker = Asker(user.pk, None, "address:192.0.2.1", by=_actor(user))
        options = begin_registration(asker, Proof(PASSWORD), site=site, now=clock.now())
        credential = key.create(options)
        credential["clientExtensionResults"] = {}
        register(asker, name="Key", credential=credential, site=site, now=clock.now())
    client = APIClient(HTTP_HOST=HOST)
    asked = client.post("/api/v1/auth/webauthn/options/", {}, format="json")
    answer = {"credential": key.get(asked.json())}

    def attempt(_: int) -> Any:
        other = APIClient(HTTP_HOST=HOST)
        other.cookies = client.cookies
        return post("webauthn/", answer, other)

    assert at_once(attempt) == {(200, ""): 1, (401, "passkey_refused"): TRIES - 1}
    assert opened(committed_library) == 1


def test_one_confirmation_makes_one_app(committed_library: Any) -> None:
    from saas.core.errors import DomainError

    with in_library(committed_library):
        user = person(committed_library)
        asker = Asker(user.pk, "session", "address:192.0.2.1", by=_actor(user))
        code = code_at(begin_app(asker, Proof(PASSWORD), now=clock.now()).secret, clock.now())

    def attempt(_: int) -> str:
        with in_library(committed_library):
            try:
                confirm_app(asker, code=code, now=clock.now())
            except DomainError as refusal:
                return refusal.code
        return "done"

    assert at_once(attempt, 20) == {"done": 1, "enrolment_expired": 19}


def test_two_who_take_the_last_two_factors_leave_one(committed_library: Any) -> None:
    """Somebody who must have a factor takes app and passkey away at once: one of the two is refused."""
    from saas.core.errors import DomainError

    with in_library(committed_library):
        user = person(committed_library)
        app_of(user)
        passkey = passkey_of(user)
        codes = [recovery_code(user, number) for number in range(2)]
        asker = Asker(user.pk, "session", "address:192.0.2.1", by=_actor(user))
    start = threading.Barrier(2)

    def attempt(number: int) -> str:
        proof = Proof(PASSWORD, codes[number])
        try:
            with in_library(committed_library):
                start.wait()
                if number:
                    remove(passkey, asker, proof, needed=True, now=clock.now())
                else:
                    remove_app(asker, proof, needed=True, now=clock.now())
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, range(2))) == ["done", "factor_needed"]
    with in_library(committed_library):
        kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    assert len(kinds) == 2
    assert "recovery_codes" in kinds


def _actor(user: Any) -> Any:
    from saas.core.principals import Actor

    return Actor(kind="person", user_id=user.pk)
