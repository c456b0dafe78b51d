"""The counting behind the rate limits: a moving window in Redis, one round trip for all policies.

While Redis is away each process counts in its own memory: limits hold more loosely, never not at all,
and no request fails because of it.
"""

import functools
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import redis
from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
RETRY_SECONDS = 5.0
LOG_EVERY_SECONDS = 60.0
_Result = TypeVar("_Result")

# A list of the moments (seconds, of Redis's own clock) at which units were taken, newest first.
# All policies are looked at before any is charged: a refused request costs nothing anywhere.
_CONSUME = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local allowed = 1
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = redis.call('LINDEX', key, -1)
  while oldest and tonumber(oldest) <= now - window do
    redis.call('RPOP', key)
    oldest = redis.call('LINDEX', key, -1)
  end
  if redis.call('LLEN', key) >= quota then allowed = 0 end
end
local answer = {allowed}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[2 * i])
  if allowed == 1 then
    redis.call('LPUSH', key, string.format('%.6f', now))
    redis.call('PEXPIRE', key, window * 1000)
  end
  local oldest = redis.call('LINDEX', key, -1)
  answer[2 * i] = redis.call('LLEN', key)
  answer[2 * i + 1] = string.format('%.6f', oldest and tonumber(oldest) + window - now or 0)
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` units in any `window` seconds."""

    name: str
    quota: int
    window: int


@dataclass(frozen=True, slots=True)
class Charge:
    """One unit of a policy, counted under `key`."""

    policy: Policy
    key: str


@dataclass(frozen=True, slots=True)
class State:
    """What a policy has left: units, and whole seconds until the oldest unit comes back."""

    policy: Policy
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether all charges fitted, and how each policy stands now."""

    allowed: bool
    states: tuple[State, ...]
    charges: tuple[Charge, ...]

    @property
    def retry_after(self) -> int:
        """Whole seconds, at least one, until every exhausted policy has a unit again."""
        return max([1, *(state.reset for state in self.states if state.remaining == 0)])


def consume(charges: Sequence[Charge]) -> Outcome:
    """Take one unit of each policy, or none where any is exhausted. Never raises for a broken Redis."""
    return _with_redis(lambda: _consume_in_redis(charges), lambda: _consume_in_memory(charges))


def give_back(outcome: Outcome) -> Outcome:
    """Return the units of an allowed outcome and how its policies stand then."""
    keys = [charge.key for charge in outcome.charges]
    _with_redis(lambda: _pop_in_redis(keys), lambda: _pop_in_memory(outcome.charges))
    states = (replace(s, remaining=min(s.policy.quota, s.remaining + 1)) for s in outcome.states)
    return replace(outcome, states=tuple(states))


def forget(charge: Charge) -> None:
    """Drop everything counted under this key."""
    _with_redis(lambda: _client().delete(_name(charge.key)), lambda: None)
    _memory().storage.clear(_item(charge.policy).key_for(charge.key))


def digest(subject: str) -> str:
    """Return a fixed-length name for a subject: no personal data and no foreign characters in keys."""
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]


# -- Redis ----------------------------------------------------------------------------------------------


@functools.cache
def _connect(url: str) -> "tuple[redis.Redis, Any]":
    client = redis.Redis.from_url(
        url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, decode_responses=True
    )
    return client, client.register_script(_CONSUME)


def _url() -> str:
    return str(getattr(settings, "RATE_LIMIT_REDIS_URL", None) or settings.REDIS_URL)


def _client() -> "redis.Redis":
    return _connect(_url())[0]


def _name(key: str) -> str:
    return f"limit:{key}"


def _consume_in_redis(charges: Sequence[Charge]) -> Outcome:
    script = _connect(_url())[1]
    numbers = [number for charge in charges for number in (charge.policy.quota, charge.policy.window)]
    answer = script(keys=[_name(charge.key) for charge in charges], args=numbers)
    states = [
        State(charge.policy, max(0, charge.policy.quota - int(used)), max(0, math.ceil(float(reset))))
        for charge, used, reset in zip(charges, answer[1::2], answer[2::2], strict=True)
    ]
    return Outcome(bool(answer[0]), tuple(states), tuple(charges))


def _pop_in_redis(keys: Sequence[str]) -> None:
    with _client().pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.lpop(_name(key))
        pipe.execute()


class _Breaker:
    """Leaves Redis alone for some seconds after a failure, and says so once a minute."""

    def __init__(self) -> None:
        self.closed_until = 0.0
        self.logged_at = -math.inf

    def open(self) -> bool:
        return time.monotonic() >= self.closed_until

    def trip(self, error: Exception) -> None:
        moment = time.monotonic()
        self.closed_until = moment + RETRY_SECONDS
        if moment - self.logged_at >= LOG_EVERY_SECONDS:
            self.logged_at = moment
            logger.error("rate limits count in memory, Redis does not answer: %s", type(error).__name__)


breaker = _Breaker()


def _with_redis(shared: Callable[[], _Result], local: Callable[[], _Result]) -> _Result:
    if breaker.open():
        try:
            return shared()
        except (redis.RedisError, OSError, ValueError) as error:  # ValueError: an address that is no URL
            breaker.trip(error)
    return local()


# -- memory ---------------------------------------------------------------------------------------------

_memory_lock = threading.Lock()


@functools.cache
def _memory() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


def _item(policy: Policy) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(policy.quota, policy.window)


def _consume_in_memory(charges: Sequence[Charge]) -> Outcome:
    window = _memory()
    with _memory_lock:
        allowed = all(window.test(_item(charge.policy), charge.key) for charge in charges)
        if allowed:
            for charge in charges:
                window.hit(_item(charge.policy), charge.key)
        states = tuple(_state_in_memory(charge) for charge in charges)
    return Outcome(allowed, states, tuple(charges))


def _state_in_memory(charge: Charge) -> State:
    reset, remaining = _memory().get_window_stats(_item(charge.policy), charge.key)
    return State(charge.policy, max(0, remaining), max(0, math.ceil(reset - time.time())))


def _pop_in_memory(charges: Sequence[Charge]) -> None:
    storage = _memory().storage
    if not isinstance(storage, MemoryStorage):
        raise TypeError("the fallback counts in memory")
    with _memory_lock:
        for charge in charges:
            taken = storage.events.get(_item(charge.policy).key_for(charge.key))
            if taken:
                taken.pop(0)
