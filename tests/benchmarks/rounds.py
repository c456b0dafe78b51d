"""Taking turns: each round runs every subject once, so that a slow minute of the machine falls on all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Taken = TypeVar("Taken")
LEAST_ROUNDS = 3
Timings = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Budget:
    """A moment (of `clock`) after which no further round begins, though LEAST_ROUNDS are always run."""

    until: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, seconds: float) -> Budget:
        """A budget that begins now."""
        return cls(time.monotonic() + seconds)

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self.clock() >= self.until


def interleave(
    subjects: Mapping[str, Callable[[], Taken]], rounds: int, budget: Budget | None = None
) -> dict[str, list[Taken]]:
    """Run ours, peer, ours, peer, ... and return what each subject gave, round by round.

    At least LEAST_ROUNDS rounds, at most `rounds`. Raises ValueError for fewer: a median of two is no median.
    """
    if rounds < LEAST_ROUNDS:
        raise ValueError(f"at least {LEAST_ROUNDS} rounds are needed")
    taken: dict[str, list[Taken]] = {name: [] for name in subjects}
    for number in range(rounds):
        if number >= LEAST_ROUNDS and budget is not None and budget.spent:
            break
        for name, run in subjects.items():
            taken[name].append(run())
    return taken


def median_of_medians(rounds: Sequence[Timings]) -> dict[str, float]:
    """From the timings of each round, by what was timed: the median over the rounds of each round's median."""
    names = list(rounds[0])
    return {name: statistics.median([statistics.median(one[name]) for one in rounds]) for name in names}
