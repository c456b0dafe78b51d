"""What the tests of sign-in share: people of north whose e-mail is as they say, and ways to sign in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library

PASSWORD = "correct-horse-battery"
LOGIN = "/api/v1/auth/login/"


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
