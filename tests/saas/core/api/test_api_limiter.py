"""The counting itself: exact in Redis, still there without it, never an error."""

import logging
import threading
import time
import uuid
from typing import Any

import pytest
import redis

from saas.core.api import limiter
from saas.core.api.limiter import Charge, Policy, consume, forget, give_back

AWAY = "redis://127.0.0.1:1/0"  # nothing listens on port 1


@pytest.fixture(params=["redis", "memory"])
def store(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(limiter, "breaker", limiter._Breaker())
    if request.param == "memory":
        settings.RATE_LIMIT_REDIS_URL = AWAY
    return str(request.param)


@pytest.fixture
def key() -> str:
    return f"tests:{uuid.uuid4()}"


def used_store() -> str:
    return "redis" if limiter.breaker.closed_until == 0 else "memory"


def test_a_quota_is_exact(store: str, key: str) -> None:
    charges = [Charge(Policy("burst", 3, 60), key)]
    outcomes = [consume(charges) for _n in range(5)]
    assert [outcome.allowed for outcome in outcomes] == [True, True, True, False, False]
    assert [outcome.states[0].remaining for outcome in outcomes] == [2, 1, 0, 0, 0]
    assert all(59 <= outcome.states[0].reset <= 60 for outcome in outcomes)
    assert outcomes[-1].retry_after in (59, 60)
    assert used_store() == store


def test_a_unit_comes_back_when_its_window_has_passed(store: str, key: str) -> None:
    charges = [Charge(Policy("burst", 1, 1), key)]
    assert consume(charges).allowed
    assert not consume(charges).allowed
    time.sleep(1.05)
    assert consume(charges).allowed


def test_keys_and_policies_do_not_share(store: str, key: str) -> None:
    policy = Policy("burst", 1, 60)
    assert consume([Charge(policy, key)]).allowed
    assert consume([Charge(policy, key + "x")]).allowed
    assert not consume([Charge(policy, key)]).allowed


def test_a_refused_request_costs_nothing_elsewhere(store: str, key: str) -> None:
    tight, wide = Charge(Policy("signup", 1, 60), key + "a"), Charge(Policy("burst", 5, 60), key + "b")
    assert consume([wide, tight]).allowed
    for _n in range(3):
        outcome = consume([wide, tight])
        assert not outcome.allowed
        assert [state.remaining for state in outcome.states] == [4, 0]
    assert consume([wide]).states[0].remaining == 3


def test_what_is_given_back_can_be_used_again(store: str, key: str) -> None:
    charges = [Charge(Policy("burst", 2, 60), key)]
    first = consume(charges)
    assert give_back(first).states[0].remaining == 2
    assert [consume(charges).allowed for _n in range(3)] == [True, True, False]


def test_forgetting_starts_again(store: str, key: str) -> None:
    charge = Charge(Policy("login-account", 1, 60), key)
    consume([charge])
    assert not consume([charge]).allowed
    forget(charge)
    assert consume([charge]).allowed


def test_parallel_callers_get_exactly_the_quota(store: str, key: str) -> None:
    charges = [Charge(Policy("burst", 10, 60), key)]
    allowed: list[bool] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        allowed.extend(consume(charges).allowed for _n in range(5))

    threads = [threading.Thread(target=work) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (40, 10)


def test_no_charge_is_no_limit(store: str) -> None:
    assert consume([]).allowed
    assert consume([]).retry_after == 1


def test_the_digest_hides_the_subject_and_is_fixed() -> None:
    assert limiter.digest("jane@example.org") == limiter.digest("jane@example.org")
    assert "jane" not in limiter.digest("jane@example.org")
    assert limiter.digest("\ud800" + "x" * 100_000) != limiter.digest("")
    assert len(limiter.digest("x" * 100_000)) == 32


# -- Redis away ------------------------------------------------------------------------------------------------


@pytest.fixture
def away(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Redis does not answer; returns a list that gets a line for each attempt to reach it."""
    settings.RATE_LIMIT_REDIS_URL = AWAY
    monkeypatch.setattr(limiter, "breaker", limiter._Breaker())
    attempts: list[str] = []
    real = limiter._connect

    def connect(url: str) -> Any:
        attempts.append(url)
        return real(url)

    monkeypatch.setattr(limiter, "_connect", connect)
    return attempts


def test_redis_away_is_logged_once_and_left_alone_for_a_while(
    away: list[str], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger=limiter.__name__):
        for _n in range(20):
            consume([Charge(Policy("burst", 100, 60), key)])
    assert len(away) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "rate limits count in memory, Redis does not answer: ConnectionError"
    ]


def test_redis_is_asked_again_after_a_while(
    away: list[str], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    charges = [Charge(Policy("burst", 100, 60), key)]
    consume(charges)
    limiter.breaker.closed_until = time.monotonic() - 1
    consume(charges)
    assert len(away) == 2
    assert len(caplog.records) == 1  # the minute of the first line is not over


@pytest.mark.parametrize(
    "url", ["nonsense://", "redis://no-such-host.invalid:6379/0", "unix:///no/such.sock"]
)
def test_a_wrong_address_still_limits(settings: Any, monkeypatch: Any, key: str, url: str) -> None:
    settings.RATE_LIMIT_REDIS_URL = url
    monkeypatch.setattr(limiter, "breaker", limiter._Breaker())
    charges = [Charge(Policy("burst", 1, 60), key)]
    assert [consume(charges).allowed for _n in range(2)] == [True, False]


def test_a_redis_that_breaks_in_the_middle_still_limits(monkeypatch: Any, key: str) -> None:
    monkeypatch.setattr(limiter, "breaker", limiter._Breaker())

    def broken(_charges: Any) -> Any:
        raise redis.ResponseError("OOM command not allowed")

    monkeypatch.setattr(limiter, "_consume_in_redis", broken)
    charges = [Charge(Policy("burst", 1, 60), key)]
    assert [consume(charges).allowed for _n in range(2)] == [True, False]
