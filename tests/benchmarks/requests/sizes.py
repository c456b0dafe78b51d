"""Who is compared, and how much is measured."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.requests.servers import Variant

OURS = Variant("ours", "tests.benchmarks.requests.ours")
USUAL = Variant("usual DRF", "tests.benchmarks.peers.usual_drf.settings")
PLAIN = Variant("plain Django, no tenancy", "tests.benchmarks.peers.plain_django.settings")
VARIANTS = (OURS, USUAL, PLAIN)


@dataclass(frozen=True, slots=True)
class Size:
    """Titles in the library, rounds at most, and the seconds of timing after which a slow machine gets fewer."""

    titles: int
    rounds: int
    seconds: float


QUICK = Size(titles=2_000, rounds=20, seconds=60)
FULL = Size(titles=20_000, rounds=60, seconds=300)


def size_of(*, quick: bool) -> Size:
    """The size of a run."""
    return QUICK if quick else FULL
