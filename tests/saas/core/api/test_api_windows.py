"""The grouped window: never more than the quota, hardly less, and the same in Lua as in Python."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from saas.core.api.windows import CONSUME, GIVE_BACK, MICROSECONDS, PARTS, LocalWindows

WINDOW = 60
SPAN = WINDOW * MICROSECONDS // PARTS
# Microseconds between two callers, from none to a whole window.
PAUSES = st.lists(
    st.one_of(
        st.just(0),
        st.integers(0, SPAN),
        st.integers(0, 3 * SPAN),
        st.sampled_from([SPAN - 1, SPAN, SPAN + 1, WINDOW * MICROSECONDS * 2 // 3, WINDOW * MICROSECONDS]),
    ),
    min_size=1,
    max_size=120,
)


def moments(pauses: list[int]) -> list[int]:
    now, found = 10**15, []
    for pause in pauses:
        now += pause
        found.append(now)
    return found


@given(PAUSES, st.integers(1, 80))
def test_never_more_than_the_quota_in_any_window(pauses: list[int], quota: int) -> None:
    windows = LocalWindows()
    taken: list[int] = []
    for now in moments(pauses):
        if windows.consume([("k", quota, WINDOW)], now)[0]:
            taken.append(now)
        inside = [moment for moment in taken if moment > now - WINDOW * MICROSECONDS]
        assert len(inside) <= quota


@given(PAUSES, st.integers(1, 80))
def test_a_unit_is_back_a_part_of_the_window_late_at_most(pauses: list[int], quota: int) -> None:
    windows = LocalWindows()
    taken: list[int] = []
    for now in moments(pauses):
        late = 0 if quota <= PARTS else SPAN
        surely_counted = [moment for moment in taken if moment > now - WINDOW * MICROSECONDS - late]
        allowed, _moment, [(_used, reset)] = windows.consume([("k", quota, WINDOW)], now)
        if allowed:
            taken.append(now)
        else:
            assert len(surely_counted) >= quota
            assert 0 < reset <= WINDOW * MICROSECONDS
            # What Retry-After promises is true.
            probe = LocalWindows()
            probe._groups["k"] = list(windows._groups["k"])
            assert probe.consume([("k", quota, WINDOW)], now + reset)[0]


@given(PAUSES)
def test_a_key_stays_small(pauses: list[int]) -> None:
    windows = LocalWindows()
    for now in moments(pauses * 3):
        windows.consume([("k", 10_000, WINDOW)], now)
        assert len(windows._groups["k"]) <= 1 + 2 * (PARTS + 1)


def test_as_many_keys_as_it_may_hold() -> None:
    windows = LocalWindows(size=3)
    for number in range(10):
        windows.consume([(f"k{number}", 1, WINDOW)], 10**15)
    assert len(windows) == 3
    assert not windows.consume([("k9", 1, WINDOW)], 10**15)[0]


def test_a_unit_counts_for_its_whole_window_and_no_longer(client: Any) -> None:
    """The script that serves, with the clock passed in."""
    script = CONSUME.replace(CLOCK, "local now = tonumber(ARGV[#ARGV])\n")
    for quota in (1, PARTS, PARTS + 1, 500):
        key = f"tests:windows:whole:{quota}"
        client.delete(key)
        start, window = 10**15, WINDOW * MICROSECONDS

        def taken(now: int, key: str = key, quota: int = quota) -> bool:
            return bool(client.eval(script, 1, key, quota, WINDOW, now).startswith(b"1 "))

        assert all(taken(start) for _ in range(quota))
        assert not any(taken(start + late) for late in (0, window // 2, window * 2 // 3, window - 1))
        assert taken(start + window)


# -- the same in Redis --------------------------------------------------------------------------------------------------

CLOCK = CONSUME[: CONSUME.index("local allowed")]


@pytest.fixture(scope="module")
def client() -> Any:
    return redis.Redis.from_url(settings.RATE_LIMIT_REDIS_URL)


@hypothesis_settings(max_examples=40, deadline=None)
@given(PAUSES, st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=3), st.data())
def test_lua_and_python_count_alike(
    client: Any, pauses: list[int], limits: list[tuple[int, bool]], data: Any
) -> None:
    """With the clock passed in, which is the only line that differs."""
    script = CONSUME.replace(CLOCK, "local now = tonumber(ARGV[#ARGV])\n")
    assert script != CONSUME
    here = LocalWindows()
    wanted = [(f"tests:windows:{n}", quota, WINDOW) for n, (quota, _more) in enumerate(limits)]
    keys = [key for key, _quota, _window in wanted]
    client.delete(*keys)
    numbers = [number for _key, quota, window in wanted for number in (quota, window)]
    for now in moments(pauses):
        answer = client.eval(script, len(keys), *keys, *numbers, now)
        allowed, moment, *found = (int(word) for word in answer.split())
        there = (allowed == 1, moment, list(zip(found[::2], found[1::2], strict=True)))
        assert there == here.consume(wanted, now)
        if allowed and data.draw(st.booleans()):
            client.eval(GIVE_BACK, len(keys), *keys, moment)
            here.give_back(keys, moment)
