"""What ours should reach: against each peer how many times quicker, and what a worker may take."""

from __future__ import annotations

from tests.benchmarks.requests.cases import CHECKOUT, LIST, ME, ONE_QUERY, TITLE
from tests.benchmarks.requests.sizes import FASTAPI, LITESTAR, USUAL
from tests.benchmarks.results import AT_LEAST, AT_MOST, Target


def _at_least(**values: float) -> dict[str, Target]:
    rows = {"list": LIST, "title": TITLE, "checkout": CHECKOUT, "me": ME, "query": ONE_QUERY}
    return {rows[name]: Target(AT_LEAST, value) for name, value in values.items()}


# By the peer's name and the row; without a cache of users.
TARGETS = {
    USUAL.name: _at_least(list=8, title=11, checkout=5.5, me=6, query=3),
    FASTAPI.name: _at_least(list=4, title=6, checkout=4, me=2.3, query=2),
    LITESTAR.name: _at_least(list=0.6, title=0.6, checkout=0.6, me=0.6, query=0.4),
}
MOST_MEMORY = Target(AT_MOST, 160)  # MiB, of a worker that has served all of the benchmark
