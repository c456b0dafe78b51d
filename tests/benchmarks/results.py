"""What a benchmark found: rows that compare ours with a peer, and the document made of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

AT_LEAST, AT_MOST = ">=", "<="


@dataclass(frozen=True, slots=True)
class Target:
    """What a row should reach: its ratio, or ours where the row has no ratio. `op` is ">=" or "<="."""

    op: str
    value: float

    def __post_init__(self) -> None:
        if self.op not in (AT_LEAST, AT_MOST):
            raise ValueError(f"a target is {AT_LEAST} or {AT_MOST}, not {self.op!r}")

    def met_by(self, measured: float) -> bool:
        """Whether the measured number reaches the target."""
        return measured >= self.value if self.op == AT_LEAST else measured <= self.value

    def __str__(self) -> str:
        return f"{self.op} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a result. `ratio` is how many times better ours is than the peer, or what the name says.

    Numbers are kept as they are shown: whoever reads the document comes to the same `met`.
    """

    name: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str | None = None
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return self.target.met_by(self.ours if self.ratio is None else self.ratio)

    def document(self) -> dict[str, Any]:
        """The row in JSON."""
        target = None if self.target is None else {"op": self.target.op, "value": self.target.value}
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "ratio": self.ratio,
            "target": target,
            "met": self.met,
        }


# By what was profiled, by part of it, in microseconds; ALL is their sum.
ALL = "all of it"
Profile = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows of one run, what was measured with (`postgres`: the server's version), notes on its size, and by name
    whose time went where (`profiles`), if that was asked for.
    """

    rows: Sequence[Row]
    postgres: str | None = None
    notes: Sequence[str] = ()
    profiles: Mapping[str, Profile] = field(default_factory=dict)


def less_is_better(
    name: str, unit: str, ours: float, peer: float, peer_name: str, *, target: Target | None = None
) -> Row:
    """A row of times, statements or bytes: the ratio is the peer's number over ours, to two decimals."""
    ratio = round(peer / ours, 2) if ours else None
    return Row(name, unit, shown(ours), shown(peer), peer_name, ratio, target)


def more_is_better(name: str, unit: str, ours: float, peer: float, peer_name: str) -> Row:
    """A row of requests a second: the ratio is ours over the peer's number, to two decimals."""
    ratio = round(ours / peer, 2) if peer else None
    return Row(name, unit, shown(ours), shown(peer), peer_name, ratio)


def shown(value: float) -> float:
    """Four significant digits: more would be noise."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, 3 - math.floor(math.log10(abs(value))))


def document(
    benchmark: str, outcome: Outcome, machine: Mapping[str, Any], *, quick: bool, at: datetime | None = None
) -> dict[str, Any]:
    """The whole result in JSON; `date` is in UTC to the second."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    found = {
        "benchmark": benchmark,
        "date": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": dict(machine),
        "quick": quick,
        "rows": [row.document() for row in outcome.rows],
        "notes": list(outcome.notes),
    }
    return {**found, "profiles": outcome.profiles} if outcome.profiles else found


def unmet(rows: Sequence[Row]) -> list[Row]:
    """The rows that miss their target."""
    return [row for row in rows if row.met is False]
