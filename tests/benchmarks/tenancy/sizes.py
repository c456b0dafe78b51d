"""How much is made and measured for a fleet of so many libraries."""

from __future__ import annotations

from dataclasses import dataclass

FULL, QUICK, LEAST = 1_000, 50, 4
SAMPLE = 15
GROWTH = 4
TITLES = 20_000


@dataclass(frozen=True, slots=True)
class Size:
    """One run. `large` of the `libraries` hold `titles` each; stock's fleet-wide work is timed on `sample` schemas."""

    libraries: int
    large: int
    titles: int
    sample: int
    provisioned: int
    fleet_rounds: int
    request_rounds: int
    requests: int

    @property
    def grown(self) -> int:
        """The number of libraries to which the fleet grows in the end."""
        return self.libraries * GROWTH

    @property
    def few_hosts(self) -> int:
        """The smaller number of hosts that requests go to."""
        return min(10, self.libraries)


def size_of(libraries: int) -> Size:
    """The size of a run; everything of FULL, and less data and fewer rounds below 500 libraries."""
    whole = libraries >= FULL // 2
    return Size(
        libraries=libraries,
        large=min(20, max(2, libraries // 12)),
        titles=TITLES if whole else 2_000,
        sample=SAMPLE if whole else min(SAMPLE, max(3, libraries // 10)),
        provisioned=20 if whole else 6,
        fleet_rounds=3,
        request_rounds=7 if whole else 3,
        requests=2_000 if whole else 400,
    )
