"""How much is made and measured."""

from __future__ import annotations

from dataclasses import dataclass

PAGE = 50
BRANCHES, OWN_BRANCHES = 20, 3


@dataclass(frozen=True, slots=True)
class Size:
    """Loans in the library, a fifth of them open; rounds of `repetitions` calls each, and seconds at most."""

    loans: int
    rounds: int
    repetitions: int
    seconds: float


FULL = Size(loans=100_000, rounds=30, repetitions=5, seconds=120)
QUICK = Size(loans=10_000, rounds=10, repetitions=3, seconds=20)


def size_of(*, quick: bool) -> Size:
    """The size of a run."""
    return QUICK if quick else FULL
