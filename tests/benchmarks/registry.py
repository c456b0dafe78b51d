"""The benchmarks that exist. A new one is a module with `run(options) -> Outcome` and a line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from tests.benchmarks.requests import choices
from tests.benchmarks.results import Outcome


class BenchmarkRefused(RuntimeError):
    """Nothing was measured, because the numbers would not mean what they say; the message says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: sized down or in full, for how many libraries (None: as many as the size has), and where to tell
    what is being done. `only` and `peers` choose what is measured and against whom (None: all of it).
    """

    quick: bool
    say: Callable[[str], None]
    libraries: int | None = None
    only: Sequence[str] | None = None
    peers: Sequence[str] | None = None
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark by name. `module` is imported only when it runs: `--list` and `--help` need no database.

    `takes`: which of --libraries, --only, --peers and --profile mean something to it; `names`: those that --only and
    --peers know.
    """

    name: str
    summary: str
    module: str
    takes: frozenset[str] = frozenset()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def run(self, options: Options) -> Outcome:
        """Measure. Raises BenchmarkRefused."""
        outcome: Outcome = import_module(self.module).run(options)
        return outcome


BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(
            "requests",
            "list, title, checkout, return, me and one query over HTTP, against usual DRF and without tenancy",
            "tests.benchmarks.requests.run",
            takes=frozenset({"only", "peers", "profile"}),
            names={"only": choices.ROWS, "peers": choices.PEERS},
        ),
        Benchmark(
            "tenancy",
            "new libraries, deploys, requests and growth of a fleet, against stock django-tenants and bare SQL",
            "tests.benchmarks.tenancy.run",
            takes=frozenset({"libraries"}),
        ),
        Benchmark(
            "access",
            "a page of 100,000 loans for a librarian of three branches, against django-guardian used plainly",
            "tests.benchmarks.access.run",
        ),
    )
}


def unknown(name: str) -> str:
    """What to tell somebody who asked for a benchmark that does not exist."""
    near = difflib.get_close_matches(name, BENCHMARKS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"there is no benchmark {name!r}.{hint} There are: {', '.join(sorted(BENCHMARKS))}."
