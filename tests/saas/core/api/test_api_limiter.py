"""The counting itself: exact in Redis, still there without it, never an error."""

import contextlib
import logging
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from saas.core import redis_line
from saas.core.api import limiter
from saas.core.api.limiter import Charge, Policy, consume, forget, give_back
from saas.embedded import binaries

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


def test_what_is_given_back_is_ones_own(store: str, key: str) -> None:
    """A later caller's unit stays as long as its own window, whoever gives theirs back in between."""
    charges = [Charge(Policy("burst", 2, 1), key)]
    first = consume(charges)
    time.sleep(0.6)
    consume(charges)
    give_back(first)
    time.sleep(0.6)
    assert consume(charges).states[0].remaining == 0


def test_given_back_again_and_again_it_takes_no_room(store: str, key: str) -> None:
    charges = [Charge(Policy("burst", 3, 60), key)]
    for _n in range(200):
        give_back(consume(charges))
    stored = (
        limiter.local._groups[key]
        if store == "memory"
        else limiter.line_to(limiter._url()).ask([b"GET", limiter._name(key)])
    )
    assert len(stored) < 20
    assert consume(charges).states[0].remaining == 2


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


def test_parallel_callers_of_several_policies_stay_within_each(store: str, key: str) -> None:
    """More than PARTS units, so that they are counted in groups; what one policy refuses the other keeps."""
    tight, wide = Charge(Policy("library", 60, 60), key + "a"), Charge(Policy("burst", 200, 60), key + "b")
    allowed: list[bool] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _n in range(20):
            outcome = consume([wide, tight])
            allowed.append(outcome.allowed)
            if len(allowed) % 5 == 0 and outcome.allowed:
                give_back(outcome)
                allowed.append(False)
                allowed.remove(True)

    threads = [threading.Thread(target=work) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 60
    assert consume([tight]).states[0].remaining == 0
    assert consume([wide]).states[0].remaining == 200 - 60 - 1


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
    real = limiter.line_to

    def connect(url: str) -> Any:
        attempts.append(url)
        return real(url)

    monkeypatch.setattr(limiter, "line_to", connect)
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


@pytest.fixture
def own_redis(tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Starts a Redis server of the test's own, which the limits use; it can be ended and started again."""
    socket = f"{tempfile.mkdtemp(prefix='lh')}/r.sock"
    settings.RATE_LIMIT_REDIS_URL = f"unix://{socket}?db=0"
    monkeypatch.setattr(limiter, "breaker", limiter._Breaker())
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [
            binaries.locate().redis,
            "--port",
            "0",
            "--unixsocket",
            socket,
            "--save",
            "",
            "--dir",
            tmp_path,
        ]
        server = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        running.append(server)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(redis.RedisError):
                if redis.Redis(unix_socket_path=socket).ping():
                    return server
            time.sleep(0.02)
        raise AssertionError("Redis did not start")

    yield start
    for server in running:
        server.kill()
        server.wait()


def test_redis_ends_and_comes_back(
    own_redis: Callable[[], Any], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    charges = [Charge(Policy("burst", 3, 60), key)]
    server = own_redis()
    assert [consume(charges).allowed for _n in range(2)] == [True, True]
    assert used_store() == "redis"
    server.kill()
    server.wait()
    # This process alone counts now, from nothing, and nobody fails.
    assert [consume(charges).allowed for _n in range(5)] == [True, True, True, False, False]
    assert used_store() == "memory"
    assert len(caplog.records) == 1
    own_redis()
    assert not consume(charges).allowed, "it is not asked at every request whether it is back"
    limiter.breaker.closed_until = time.monotonic()
    assert [consume(charges).allowed for _n in range(4)] == [True, True, True, False]
    assert used_store() == "redis"


def test_a_restart_between_two_requests_is_not_noticed(
    own_redis: Callable[[], Any], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The kept connection has ended and the script is forgotten: both are made anew, and no limit falls to memory."""
    charges = [Charge(Policy("burst", 3, 60), key)]
    server = own_redis()
    consume(charges)
    server.kill()
    server.wait()
    own_redis()
    assert consume(charges).states[0].remaining == 2
    assert used_store() == "redis"
    assert not caplog.records


def test_redis_that_hangs_costs_one_request_its_time_out(
    own_redis: Callable[[], Any], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    charges = [Charge(Policy("burst", 1000, 60), key)]
    server = own_redis()
    consume(charges)
    server.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    for _n in range(20):
        assert consume(charges).allowed
    assert time.monotonic() - started < 3 * redis_line.TIMEOUT_SECONDS
    assert used_store() == "memory"
    server.send_signal(signal.SIGCONT)
    limiter.breaker.closed_until = time.monotonic()
    # The late answer of the request that waited is not taken for this one's.
    other = Charge(Policy("burst", 7, 60), key + "other")
    assert consume([other]).states == (limiter.State(other.policy, 6, 60),)
    assert used_store() == "redis"


def test_after_a_failure_one_thread_tries_and_the_others_go_on(
    own_redis: Callable[[], Any], key: str
) -> None:
    charges = [Charge(Policy("burst", 1000, 60), key)]
    server = own_redis()
    server.send_signal(signal.SIGSTOP)
    consume(charges)
    limiter.breaker.closed_until = time.monotonic()
    slow: list[float] = []

    def work() -> None:
        started = time.monotonic()
        consume(charges)
        slow.append(time.monotonic() - started)

    threads = [threading.Thread(target=work) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.send_signal(signal.SIGCONT)
    assert sum(seconds > redis_line.TIMEOUT_SECONDS / 2 for seconds in slow) == 1


def test_what_was_taken_without_redis_is_not_given_back_there(own_redis: Callable[[], Any], key: str) -> None:
    charges = [Charge(Policy("burst", 5, 60), key)]
    limiter.breaker.trip(OSError())
    alone = consume(charges)
    limiter.breaker.mend()
    own_redis()
    consume(charges)
    give_back(alone)
    assert consume(charges).states[0].remaining == 3
