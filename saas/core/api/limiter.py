"""The counting behind the rate limits: a moving window in Redis, one round trip for all policies.

While Redis is away each process counts in its own memory: limits hold more loosely, never not at all,
and no request fails because of it.
"""

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import redis
from django.conf import settings

from saas.core.api.windows import CONSUME, GIVE_BACK, MICROSECONDS, Counted, LocalWindows
from saas.core.redis_line import line_to

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0
LOG_EVERY_SECONDS = 60.0
_Result = TypeVar("_Result")


class Policy(NamedTuple):
    """At most `quota` units in any `window` seconds."""

    name: str
    quota: int
    window: int


class Charge(NamedTuple):
    """One unit of a policy, counted under `key`."""

    policy: Policy
    key: str


class State(NamedTuple):
    """What a policy has left: units, and whole seconds until the oldest unit comes back."""

    policy: Policy
    remaining: int
    reset: int


class Outcome(NamedTuple):
    """Whether all charges fitted, and how each policy stands now.

    `moment` is when, in microseconds of the clock that counted; `shared` whether that was Redis'.
    """

    allowed: bool
    states: tuple[State, ...]
    charges: tuple[Charge, ...]
    moment: int = 0
    shared: bool = True

    @property
    def retry_after(self) -> int:
        """Whole seconds, at least one, until every exhausted policy has a unit again."""
        return max([1, *(state.reset for state in self.states if state.remaining == 0)])


def consume(charges: Sequence[Charge]) -> Outcome:
    """Take one unit of each policy, or none where any is exhausted. Never raises for a broken Redis."""
    shared, (allowed, moment, found) = _with_redis(
        lambda: (True, _consume_in_redis(charges)), lambda: (False, _consume_in_memory(charges))
    )
    states = [
        State(charge.policy, max(0, charge.policy.quota - used), max(0, -(-reset // MICROSECONDS)))
        for charge, (used, reset) in zip(charges, found, strict=True)
    ]
    return Outcome(allowed, tuple(states), tuple(charges), moment, shared)


def give_back(outcome: Outcome) -> Outcome:
    """Return the units of an allowed outcome and how its policies stand then.

    Where Redis has gone since they were taken, they come back with their window.
    """
    keys = [charge.key for charge in outcome.charges]
    if outcome.shared:
        _with_redis(lambda: _give_back_in_redis(keys, outcome.moment), lambda: None)
    else:
        local.give_back(keys, outcome.moment)
    states = (s._replace(remaining=min(s.policy.quota, s.remaining + 1)) for s in outcome.states)
    return outcome._replace(states=tuple(states))


def forget(charge: Charge) -> None:
    """Drop everything counted under this key."""
    _with_redis(lambda: line_to(_url()).ask([b"DEL", _name(charge.key)]), lambda: None)
    local.forget(charge.key)


def digest(subject: str) -> str:
    """Return a fixed-length name for a subject: no personal data and no foreign characters in keys."""
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:32]


# -- Redis ----------------------------------------------------------------------------------------------

# Under which name Redis keeps each script: its own digest, which it tells.
_names: dict[str, bytes] = {}


def _url() -> str:
    return str(getattr(settings, "RATE_LIMIT_REDIS_URL", None) or settings.REDIS_URL)


def _name(key: str) -> bytes:
    return b"window:" + key.encode()


def _run(script: str, keys: Sequence[str], *arguments: int) -> bytes:
    """Run a script that Redis knows from the call before, or learns now."""
    line = line_to(_url())
    rest = [b"%d" % len(keys), *map(_name, keys), *(b"%d" % number for number in arguments)]
    for name in (_names.get(script), None):
        known = name or line.ask([b"SCRIPT", b"LOAD", script.encode()])
        try:
            answer: bytes = line.ask([b"EVALSHA", known, *rest])
        except redis.exceptions.NoScriptError:  # another server, or one that has been started again
            continue
        _names[script] = known
        return answer
    raise redis.ConnectionError("Redis forgets scripts at once")


def _consume_in_redis(charges: Sequence[Charge]) -> Counted:
    numbers = [number for charge in charges for number in (charge.policy.quota, charge.policy.window)]
    answer = _run(CONSUME, [charge.key for charge in charges], *numbers)
    allowed, moment, *found = map(int, answer.split())
    return allowed == 1, moment, list(zip(found[::2], found[1::2], strict=True))


def _give_back_in_redis(keys: Sequence[str], moment: int) -> None:
    _run(GIVE_BACK, keys, moment)


class _Breaker:
    """Leaves Redis alone for some seconds after a failure, and says so once a minute.

    When they are over one thread tries, while the others go on without: one request waits for a Redis that hangs.
    """

    def __init__(self) -> None:
        self.closed_until = 0.0
        self.logged_at = -math.inf
        self._trying = threading.Lock()

    def open(self) -> bool:
        if not self.closed_until:
            return True
        with self._trying:
            moment = time.monotonic()
            if moment < self.closed_until:
                return False
            self.closed_until = moment + RETRY_SECONDS
            return True

    def mend(self) -> None:
        self.closed_until = 0.0

    def trip(self, error: Exception) -> None:
        moment = time.monotonic()
        self.closed_until = moment + RETRY_SECONDS
        if moment - self.logged_at >= LOG_EVERY_SECONDS:
            self.logged_at = moment
            logger.error("rate limits count in memory, Redis does not answer: %s", type(error).__name__)


breaker = _Breaker()


def _with_redis(shared: Callable[[], _Result], alone: Callable[[], _Result]) -> _Result:
    if breaker.open():
        try:
            result = shared()
        except (redis.RedisError, OSError, ValueError) as error:  # ValueError: an address that is no URL
            breaker.trip(error)
        else:
            if breaker.closed_until:
                breaker.mend()
            return result
    return alone()


# -- memory ---------------------------------------------------------------------------------------------

local = LocalWindows()


def _consume_in_memory(charges: Sequence[Charge]) -> Counted:
    limits = [(charge.key, charge.policy.quota, charge.policy.window) for charge in charges]
    return local.consume(limits, time.monotonic_ns() // 1000)
