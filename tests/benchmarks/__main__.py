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
from tests.benchmarks.results import document, unmet

WIDTH = 120
EXAMPLES = """\
examples:
  python -m tests.benchmarks --list               which benchmarks there are
  python -m tests.benchmarks requests --quick     a first look, under three minutes
  python -m tests.benchmarks requests             the numbers of docs/performance.md
  python -m tests.benchmarks requests --json      the same for programs, on standard output
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
    if wanted.libraries is not None and not BENCHMARKS[wanted.name].takes_libraries:
        command.error(f"--libraries means nothing to {wanted.name}.")
    return _measure(wanted)


def _measure(wanted: argparse.Namespace) -> int:
    # What was started is ended on the way out, also when the run is terminated.
    signal.signal(signal.SIGTERM, _end)
    progress = Console(stderr=True, highlight=False)
    before = machine.describe()
    try:
        outcome = BENCHMARKS[wanted.name].run(Options(wanted.quick, progress.print, wanted.libraries))
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


def _end(_signal: int, _frame: Any) -> None:
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
