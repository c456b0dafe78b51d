"""The benchmark `access`: one page of loans for somebody who may see some, in one process and in turns (README.md)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.benchmarks.access.sizes import BRANCHES, OWN_BRANCHES, PAGE, Size, size_of
from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests.run import gather_statistics, scratch_database, set_up
from tests.benchmarks.results import AT_LEAST, Outcome, Row, Target, less_is_better
from tests.benchmarks.rounds import Budget, interleave, median_of_medians

if TYPE_CHECKING:
    from tests.benchmarks.access.data import Staff

LIBRARY = "north"
TARGET = Target(AT_LEAST, 5)


def run(options: Options) -> Outcome:
    """Make the data, check that all agree, and measure. Raises BenchmarkRefused."""
    set_up()
    from saas.core.tenancy import in_library
    from shared_apps.tenants.selectors import find_library_by_subdomain
    from tests.benchmarks.access import data
    from tests.database import fill

    size = size_of(quick=options.quick)
    with scratch_database() as postgres:
        fill(LIBRARY)
        library = find_library_by_subdomain(LIBRARY)
        assert library is not None
        with in_library(library):
            options.say(f"making {size.loans:,} loans at {BRANCHES} branches ...")
            staff = data.build(size.loans)
            gather_statistics()
            options.say("measuring ...")
            rows, rounds = measure(staff, size)
    return Outcome(rows, postgres, notes(size, rounds, quick=options.quick))


def measure(staff: Staff, size: Size) -> tuple[list[Row], int]:
    """Time every way on every list, in turns; the rows and the number of rounds. Raises BenchmarkRefused."""
    from tests.benchmarks.access.lists import OURS, PER_LOAN, WAYS

    whole, one = f"page of {PAGE} open loans", f"page of {PAGE} open loans, one branch"
    lists: dict[str, Mapping[str, str]] = {whole: {}, one: {"branch": staff.branches[0]}}
    require_equal(staff, lists)

    def timed(way: Callable[..., Any]) -> Callable[[], dict[str, list[float]]]:
        return lambda: {name: _times(way, staff, wanted, size) for name, wanted in lists.items()}

    taken = interleave({name: timed(way) for name, way in WAYS.items()}, size.rounds, Budget.of(size.seconds))
    found = {name: median_of_medians(rounds) for name, rounds in taken.items()}
    rows = [
        less_is_better(
            name,
            "ms",
            found[OURS][name],
            found[peer][name],
            peer,
            # Of one branch alone, somebody has named what the rights would have to find out.
            target=TARGET if (name, peer) == (whole, PER_LOAN) else None,
        )
        for name in lists
        for peer in list(WAYS)[1:]
    ]
    rows.append(Row("permission rows", "rows", _stored(), staff.grants, PER_LOAN))
    return rows, len(taken[OURS])


def require_equal(staff: Staff, lists: Mapping[str, Mapping[str, str]]) -> None:
    """Raise BenchmarkRefused unless every way gives the same full page, of the caller's branches alone."""
    from tests.benchmarks.access.lists import OURS, WAYS

    for name, wanted in lists.items():
        pages = {way: [loan.pk for loan in ask(staff.user_id, wanted)] for way, ask in WAYS.items()}
        for way, page in pages.items():
            if page != pages[OURS]:
                raise BenchmarkRefused(f"{name}: {way} gives other loans than ours")
        own = WAYS[OURS](staff.user_id, wanted)
        if len(own) != PAGE or not {loan.branch.code for loan in own} <= set(staff.branches):
            raise BenchmarkRefused(f"{name}: not {PAGE} loans of the caller's branches")


def _times(way: Callable[..., Any], staff: Staff, wanted: Mapping[str, str], size: Size) -> list[float]:
    """Milliseconds of each of a round's calls."""
    taken = []
    for _ in range(size.repetitions):
        began = time.perf_counter()
        way(staff.user_id, wanted)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _stored() -> int:
    """Rows that say for ours who may see what: the assignments, and what of them guardian is told."""
    from tenant_apps.access.models import BranchGrant, RoleAssignment

    return RoleAssignment.objects.count() + BranchGrant.objects.count()


def notes(size: Size, rounds: int, *, quick: bool) -> list[str]:
    """What the numbers were measured on, in words."""
    sized = "Sized down by --quick: " if quick else "Full size: "
    return [
        f"{sized}{size.loans:,} loans at {BRANCHES} branches, a librarian of {OWN_BRANCHES}; {rounds} rounds in turns,"
        " each number is the median of the rounds' medians.",
        "In one process, from the user's id to the last row: without HTTP and JSON, which are the same for all.",
    ]
