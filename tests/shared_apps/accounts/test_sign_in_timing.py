"""Nobody learns from an answer, its statements or its time whether an address has an account."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from saas.settings import auth
from shared_apps.accounts.models import MailedCode, User
from shared_apps.accounts.services import codes, signing_in
from tenant_apps.preferences import services as preferences

pytestmark = pytest.mark.django_db
WRONG = "not-the-password"
REGISTERED = "seven wild ponies sing"
TRIES = 200


@pytest.fixture
def people(person: Any, north: Any) -> list[str]:
    """One account of each state, a registration that waits, and nobody; the names to sign in with."""
    person("lea")
    person("unproved", verified=False)
    person("without", password=None)
    person("waiting", awaiting_approval=True)
    closed = person("closed")
    with in_library(north):
        User.objects.filter(pk=closed.pk).update(is_active=False)
        registered = MailedCode(
            purpose="verify", address="registered@north.example", password_hash=closed.password
        )
        codes.renew(registered, now=clock.now())
    return ["lea", "unproved", "without", "waiting", "closed", "registered", "nobody"]


@pytest.fixture
def hashes(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each hash of production that is made from here on."""
    settings.PASSWORD_HASHERS = auth.PASSWORD_HASHERS
    made: list[str] = []

    def count(method: str) -> None:
        real: Callable[..., Any] = getattr(Argon2PasswordHasher, method)

        def counted(self: Any, *arguments: Any) -> Any:
            made.append(method)
            return real(self, *arguments)

        monkeypatch.setattr(Argon2PasswordHasher, method, counted)

    count("encode")
    count("verify")
    return made


def seen_of(answer: Any, queries: Any, hashes: list[str]) -> tuple[Any, ...]:
    """What somebody outside could tell one refusal from another by."""
    body = {key: value for key, value in answer.json().items() if key not in ("instance", "request_id")}
    return answer.status_code, str(body), shapes(queries), len(hashes)


def shapes(queries: Any) -> list[str]:
    """The statements without their values."""
    return [re.sub(r"'[^']*'|\bs\d+_x\d+\b|\b\d+\b|NULL", "?", query["sql"]) for query in queries]


def test_each_refusal_is_the_same_answer_statements_and_hashes(
    people: list[str], sign_in: Any, hashes: list[str]
) -> None:
    # The stored hashes become those of the preferred kind, as they are in production.
    for user in ("lea", "unproved", "waiting", "closed"):
        sign_in(user)
    seen = {}
    for name in people:
        hashes.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = sign_in(name, password=WRONG)
        seen[name] = seen_of(answer, queries, hashes)
    assert {found[0] for found in seen.values()} == {401}
    assert {found[3] for found in seen.values()} == {2}
    first = seen["nobody"]
    assert {name: found == first for name, found in seen.items()} == dict.fromkeys(people, True)


def test_who_registers_with_an_address_is_not_told_whether_somebody_has_it(
    person: Any, sign_in: Any, api: Any, north: Any, hashes: list[str]
) -> None:
    """A stranger knows the password of the registration that they made: its answer is theirs, and tells nothing."""
    with in_library(north):
        preferences.change(values={"registration": "open"}, by=SYSTEM, now=clock.now())
    people = ["lea", "unproved", "without", "waiting", "closed", "nobody"]
    person("lea")
    person("unproved", verified=False)
    person("without", password=None)
    person("waiting", awaiting_approval=True)
    closed = person("closed")
    with in_library(north):
        User.objects.filter(pk=closed.pk).update(is_active=False)
    for name in ("lea", "unproved", "waiting", "closed"):
        sign_in(name)
    seen = {}
    for name in people:
        registration = {"email": f"{name}@north.example", "name": "Somebody", "password": REGISTERED}
        answer = api(north).post("/api/v1/auth/registration/", registration, format="json")
        assert answer.status_code == 202, answer.json()
        hashes.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = sign_in(name, password=REGISTERED)
        assert answer.json()["code"] == "email_not_verified"
        seen[name] = seen_of(answer, queries, hashes)
    assert {name: found == seen["nobody"] for name, found in seen.items()} == dict.fromkeys(people, True)
    # Whose account it is comes in as before, and a wrong password is one.
    assert sign_in("lea").status_code == 200
    assert sign_in("lea", password=WRONG).json()["code"] == "invalid_credentials"


def measured(sign_in: Any, *names: str, tries: int = TRIES) -> list[list[float]]:
    """Seconds that each name's refusals took, in turns, so that what else the machine does is shared by all."""
    taken: list[list[float]] = [[] for _name in names]
    turns = list(zip(names, taken, strict=True))
    for number in range(tries):
        # Whoever comes second finds warm caches: each is first every other time.
        for name, times in turns if number % 2 else reversed(turns):
            start = time.perf_counter()
            assert sign_in(name, password=WRONG).status_code == 401
            times.append(time.perf_counter() - start)
    return taken


def likelihood_of_more(one: list[float], other: list[float]) -> float:
    """How often a time of `one` is longer than one of `other` (Mann-Whitney); a half where nothing tells them apart."""
    longer = sum((a > b) + 0.5 * (a == b) for a in one for b in other)
    return longer / (len(one) * len(other))


@pytest.mark.deep
def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    person: Any, sign_in: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """With the hash of production, over 200 tries of each: what somebody outside would see at best."""
    settings.PASSWORD_HASHERS = auth.PASSWORD_HASHERS
    person("lea")
    sign_in("lea")  # so that the stored hash is of that kind
    known, unknown = measured(sign_in, "lea", "nobody")
    # Four standard deviations of what chance alone gives 200 and 200 times.
    assert abs(likelihood_of_more(known, unknown) - 0.5) < 0.12, (median(known), median(unknown))
    # The same test tells what a hash less would make: it can fail.
    slow = signing_in.check_password

    def slower(*arguments: Any) -> bool:
        time.sleep(0.03)
        return slow(*arguments)

    monkeypatch.setattr(signing_in, "check_password", slower)
    known, unknown = measured(sign_in, "lea", "nobody", tries=60)
    assert abs(likelihood_of_more(known, unknown) - 0.5) > 0.12
