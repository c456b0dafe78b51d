"""`python -m tests.benchmarks NAME`: measures ours and the alternative side by side, in one run.

Ours and each peer take turns, round by round, on the same machine, server, database and data; a row shows the median
of several rounds. A peer is the same thing as its users would write it (tests/benchmarks/peers); it has to give the
identical answer, and nothing is timed where it does not. A missed target is shown and does not fail the run, unless
--strict is given.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

import orjson
from rich.console import Console

from tests.benchmarks import machine
from tests.benchmarks.registry import BENCHMARKS, BenchmarkRefused, Options, unknown
from tests.benchmarks.report import print_table
from tests.benchmarks.requests import choices
from tests.benchmarks.results import document, unmet

WIDTH = 120
EXAMPLES = """\
examples:
  python -m tests.benchmarks --list               which benchmarks there are
  python -m tests.benchmarks requests --quick     a first look, under three minutes
  python -m tests.benchmarks requests             the numbers of docs/performance.md
  python -m tests.benchmarks requests --json      the same for programs, on standard output
  python -m tests.benchmarks requests --quick --only list,me --peers usual     these rows against this peer, in seconds
  python -m tests.benchmarks requests --quick --peers none --profile           where the time of our requests goes
  python -m tests.benchmarks tenancy --libraries 50     a fleet of 50, under three minutes
  python -m tests.benchmarks tenancy --libraries 1000   the numbers of docs/performance.md

exit codes:
  0  measured, whether or not the targets are met
  1  not measured (the message says why), or with --strict a target is missed
  2  a wrong command line, such as an unknown name
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    listed = "\n".join(f"  {one.name:<12} {one.summary}" for one in BENCHMARKS.values())
    made = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{listed}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="which benchmark to run")
    made.add_argument("--list", action="store_true", help="print the names of all benchmarks and end")
    made.add_argument("--quick", action="store_true", help="less data and fewer rounds, under three minutes")
    made.add_argument(
        "--libraries", type=int, metavar="N", help="tenancy: how many libraries (1,000; quick: 50)"
    )
    made.add_argument(
        "--only",
        type=names,
        metavar="NAMES",
        help=f"requests: measure these alone, of {', '.join(choices.ROWS)}",
    )
    made.add_argument(
        "--peers",
        type=names,
        metavar="NAMES",
        help=f"requests: against these, of {', '.join(choices.PEERS)}, or none",
    )
    made.add_argument(
        "--profile", action="store_true", help="requests: show where the time of a request goes"
    )
    made.add_argument("--json", action="store_true", help="print one JSON document in place of the table")
    made.add_argument("--strict", action="store_true", help="exit 1 if a target is missed")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    command = parser()
    wanted = command.parse_args(argv)
    if wanted.list:
        for benchmark in BENCHMARKS.values():
            sys.stdout.write(f"{benchmark.name:<12} {benchmark.summary}\n")
        return 0
    if wanted.name is None:
        command.error("which benchmark? Give a NAME, or --list to see them.")
    if wanted.name not in BENCHMARKS:
        command.error(unknown(wanted.name))
    if wrong := misplaced(wanted):
        command.error(wrong)
    return _measure(wanted)


def names(text: str) -> list[str]:
    """Names separated by commas; "none" is no name at all."""
    return [] if text == "none" else [one.strip() for one in text.split(",")]


def misplaced(wanted: argparse.Namespace) -> str | None:
    """What is wrong with the options for this benchmark, if anything is."""
    benchmark = BENCHMARKS[wanted.name]
    for option in ("libraries", "only", "peers", "profile"):
        value = getattr(wanted, option)
        if value in (None, False):
            continue
        if option not in benchmark.takes:
            return f"--{option} means nothing to {wanted.name}."
        known = benchmark.names.get(option)
        for name in value if known is not None else ():
            if name not in known:
                return f"--{option} knows no {name!r}. There are: {', '.join(known)}."
    return "--only none measures nothing." if wanted.only == [] else None


def _measure(wanted: argparse.Namespace) -> int:
    # What was started is ended on the way out, also when the run is terminated.
    signal.signal(signal.SIGTERM, _end)
    progress = Console(stderr=True, highlight=False)
    before = machine.describe()
    try:
        outcome = BENCHMARKS[wanted.name].run(options_of(wanted, progress))
    except BenchmarkRefused as refused:
        progress.print(f"{wanted.name} was not measured: {refused}", style="red", markup=False)
        return 1
    found = document(wanted.name, outcome, {**before, "postgres": outcome.postgres}, quick=wanted.quick)
    if wanted.json:
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        terminal = Console()
        # In a file or a pipe there is no width to keep to, and a folded table is hard to read.
        print_table(terminal if terminal.is_terminal else Console(width=WIDTH), found, outcome)
    return 1 if wanted.strict and unmet(outcome.rows) else 0


def options_of(wanted: argparse.Namespace, progress: Console) -> Options:
    """The command line as a benchmark reads it."""
    return Options(wanted.quick, progress.print, wanted.libraries, wanted.only, wanted.peers, wanted.profile)


def _end(_signal: int, _frame: Any) -> None:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
