"""What the tests of sign-in share: people of north whose e-mail is as they say, and ways to sign in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library
from tests.authenticators import code_at

PASSWORD = "correct-horse-battery"
LOGIN = "/api/v1/auth/login/"
MFA = "/api/v1/auth/mfa/"


@pytest.fixture
def person(north: LibraryContext) -> Callable[..., Any]:
    """`person("lea")` makes lea@north.example with the usual password; keywords go to create_user."""

    def make(name: str = "lea", **changes: Any) -> Any:
        from shared_apps.accounts.services import create_user

        values: dict[str, Any] = {"password": PASSWORD, "verified": True, **changes}
        with in_library(north):
            return create_user(
                email=f"{name}@north.example", name=name.title(), now=clock.now(), by=SYSTEM, **values
            )

    return make


@pytest.fixture
def sign_in(north: LibraryContext, api: Callable[..., Any]) -> Callable[..., Any]:
    """`sign_in("lea")` posts to north's login and returns the response; keywords change the body."""

    def post(name: str = "lea", *, client: Any = None, **changes: Any) -> Any:
        body = {"email": f"{name}@north.example", "password": PASSWORD, **changes}
        body = {key: value for key, value in body.items() if value is not None}
        return (client or api(north)).post(LOGIN, body, format="json")

    return post


@pytest.fixture
def limits(settings: Any) -> Iterator[Any]:
    """Rate limits are on, with the numbers that the test sets; nothing is counted before or after it."""
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-account": (3, 300), "login-address": (20, 300)}
    counters = redis.Redis.from_url(settings.RATE_LIMIT_REDIS_URL)
    _forget(counters)
    yield settings
    _forget(counters)


def _forget(counters: redis.Redis) -> None:
    for key in counters.scan_iter("limit:*:login-*"):
        counters.delete(key)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The service's clock, moved on by the test: `ticking(30)` adds seconds and returns the time then."""
    real, moved = clock.now, [dt.timedelta(0)]

    def now() -> dt.datetime:
        return real() + moved[0]

    def move(seconds: float = 0) -> dt.datetime:
        moved[0] += dt.timedelta(seconds=seconds)
        return now()

    monkeypatch.setattr(clock, "now", now)
    # Not across the border between two steps of an authenticator app while a test runs.
    seconds = now().timestamp() % 30
    move(35 - seconds if seconds > 5 else 5 - seconds)
    return move


@dataclass
class Holder:
    """A person of a library who has signed in, and their authenticator app once there is one."""

    user: Any
    client: Any
    ticking: Callable[..., Any]
    secret: str = ""
    codes: list[str] = field(default_factory=list)

    def code(self) -> str:
        """A code of the app that was never used: the clock moves on to it."""
        return code_at(self.secret, self.ticking(30))

    def proof(self, **changes: Any) -> dict[str, Any]:
        """A body that proves the person again."""
        known = {"password": PASSWORD, **({"otp": self.code()} if self.secret else {})}
        return {key: value for key, value in {**known, **changes}.items() if value is not None}

    def post(self, path: str, body: Any = None) -> Any:
        """Post to an address below /api/v1/auth/mfa/."""
        return self.client.post(f"{MFA}{path}", self.proof() if body is None else body, format="json")

    def delete(self, path: str, body: Any = None) -> Any:
        """Delete an address below /api/v1/auth/mfa/."""
        return self.client.delete(f"{MFA}{path}", self.proof() if body is None else body, format="json")

    def enrol(self) -> Any:
        """Set up an authenticator app by the API."""
        begun = self.post("totp/").json()
        self.secret = begun["secret"]
        confirmed = self.post("totp/confirm/", {"code": self.code()})
        assert confirmed.status_code == 201, confirmed.content
        self.codes += confirmed.json()["recovery_codes"]
        return confirmed

    def factors(self) -> Any:
        """What GET shows."""
        return self.client.get(MFA).json()


@pytest.fixture
def holder(person: Any, sign_in: Any, api: Any, north: LibraryContext, ticking: Any) -> Callable[..., Holder]:
    """`holder("lea")`: a new person of north who has signed in; `made=user` takes one who exists."""

    def make(name: str = "lea", *, made: Any = None, otp: str | None = None) -> Holder:
        user = made or person(name)
        client = api(north)
        answer = sign_in(user.email.partition("@")[0], otp=otp)
        assert answer.status_code == 200, answer.content
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access']}")
        return Holder(user, client, ticking)

    return make
