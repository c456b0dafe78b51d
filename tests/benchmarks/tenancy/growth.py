"""Phase: the time for one library, at N libraries and at four times as many."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from tests.benchmarks.tenancy import deploys
from tests.benchmarks.tenancy.field import Field


@dataclass(frozen=True)
class Pace:
    """Seconds of ours with so many libraries there; `nothing` and `added` are whole deploys of the whole fleet."""

    libraries: int
    claim: float
    replay: float
    nothing: float
    added: float

    @property
    def each(self) -> dict[str, float]:
        """Seconds for one library. Of a migration, what it takes beyond the start of the process counts."""
        return {
            "claim": self.claim,
            "replay": self.replay,
            "no-op deploy": self.nothing / self.libraries,
            "AddField + AddIndex": max(self.added - self.nothing, 0.0) / self.libraries,
        }


def measure(field: Field) -> Pace:
    """The pace of the fleet as it is now, whose libraries hold no titles."""
    field.ours.ask("ours.replay", count=1)
    field.ours.ask("ours.claim", count=1)
    return Pace(
        libraries=len(field.schemas),
        claim=statistics.median(field.ours.ask("ours.claim", count=field.size.provisioned)),
        replay=statistics.median(field.ours.ask("ours.replay", count=field.size.provisioned)),
        nothing=deploys.nothing_to_do(field),
        added=deploys.add_column(field),
    )
