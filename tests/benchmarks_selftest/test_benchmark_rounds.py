"""Taking turns, and the numbers that come of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.benchmarks.rounds import LEAST_ROUNDS, Budget, interleave, median_of_medians


def recorder(log: list[str], name: str) -> Callable[[], int]:
    def run() -> int:
        log.append(name)
        return len(log)

    return run


def test_subjects_take_turns() -> None:
    log: list[str] = []
    taken = interleave({"ours": recorder(log, "ours"), "peer": recorder(log, "peer")}, 3)
    assert log == ["ours", "peer", "ours", "peer", "ours", "peer"]
    assert taken == {"ours": [1, 3, 5], "peer": [2, 4, 6]}


def test_fewer_rounds_than_a_median_needs_are_refused() -> None:
    log: list[str] = []
    with pytest.raises(ValueError, match="at least 3"):
        interleave({"ours": recorder(log, "ours")}, LEAST_ROUNDS - 1)
    assert log == []


def test_no_round_begins_after_the_budget_but_the_least_are_run() -> None:
    log: list[str] = []
    spent = Budget(until=0.0, clock=lambda: 1.0)
    taken = interleave({"ours": recorder(log, "ours"), "peer": recorder(log, "peer")}, 10, spent)
    assert [len(rounds) for rounds in taken.values()] == [LEAST_ROUNDS, LEAST_ROUNDS]


def test_a_round_that_has_begun_is_finished_by_everybody() -> None:
    log: list[str] = []
    # The clock passes the end in the middle of the fifth round.
    budget = Budget(until=9.0, clock=lambda: float(len(log)))
    taken = interleave({"ours": recorder(log, "ours"), "peer": recorder(log, "peer")}, 10, budget)
    assert [len(rounds) for rounds in taken.values()] == [5, 5]


def test_a_budget_counts_from_now() -> None:
    assert Budget.of(0).spent
    assert not Budget.of(60).spent


def test_one_slow_round_and_one_slow_request_move_nothing() -> None:
    calm = {"list": [1.0, 2.0, 3.0]}
    rounds = [calm, {"list": [2.0, 2.0, 900.0]}, {"list": [50.0, 60.0, 70.0]}]
    assert median_of_medians(rounds) == {"list": 2.0}


def test_each_kind_of_request_has_its_own_median() -> None:
    rounds = [{"checkout": [5.0], "return": [1.0]}] * 3
    assert median_of_medians(rounds) == {"checkout": 5.0, "return": 1.0}
