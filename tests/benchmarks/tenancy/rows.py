"""From figures to rows with their targets, and to the notes below the table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.results import AT_LEAST, AT_MOST, Row, Target, less_is_better, shown
from tests.benchmarks.tenancy.deploys import PARALLEL, Busy, Sampled
from tests.benchmarks.tenancy.growth import Pace
from tests.benchmarks.tenancy.provisioning import Provisioning
from tests.benchmarks.tenancy.serving import CONNECTIONS, OURS, PLAIN, STOCK, Serving
from tests.benchmarks.tenancy.sizes import FULL, Size

STOCK_NAME, PLAIN_NAME = "stock django-tenants", "plain Django"
CLAIM, REPLAY, RAW_REPLAY = Target(AT_LEAST, 300), Target(AT_LEAST, 20), Target(AT_MOST, 1.5)
NOTHING, ADDED, RAW_LOOP = Target(AT_LEAST, 1_000), Target(AT_LEAST, 500), Target(AT_MOST, 1.3)
NO_FAILURE, EXTRA_STATEMENTS, GROWTH = Target(AT_MOST, 0), Target(AT_MOST, 1), Target(AT_MOST, 1.2)
HTTP_FEW, HTTP_MANY = Target(AT_LEAST, 0.85), Target(AT_LEAST, 0.75)


@dataclass(frozen=True)
class Figures:
    """Everything that a run has measured."""

    size: Size
    provisioning: Provisioning
    nothing: Sampled
    added: Sampled
    busy: Busy
    serving: Serving
    memory: Mapping[str, Mapping[int, float]]
    before: Pace
    after: Pace


def rows_of(figures: Figures) -> list[Row]:
    """All rows, in the order of the issue's targets."""
    return [
        *provisioning_rows(figures),
        *deploy_rows(figures),
        *serving_rows(figures),
        *growth_rows(figures),
        *memory_rows(figures),
    ]


def provisioning_rows(figures: Figures) -> Iterator[Row]:
    """Milliseconds for one library: claim and replay against both ways of stock, and replay against the raw ones."""
    found = figures.provisioning
    stock, clone = milliseconds(found.stock), milliseconds(found.clone)
    claim, replay = milliseconds(found.claim), milliseconds(found.replay)
    there = f"{figures.size.libraries:,} there"
    name = f"new library by claim, {there}"
    yield less_is_better(name, "ms", claim, stock, "stock migrations", target=CLAIM)
    yield less_is_better(name, "ms", claim, clone, "stock clone")
    name = f"new library by replay, {there}"
    yield less_is_better(name, "ms", replay, stock, "stock migrations", target=REPLAY)
    yield less_is_better(name, "ms", replay, clone, "stock clone")
    name = "replay, times the raw replay"
    if found.psql:
        yield times(name, "ms", replay, milliseconds(found.psql), "psql -1, fresh process", RAW_REPLAY)
    target = None if found.psql else RAW_REPLAY
    yield times(
        name, "ms", replay, milliseconds(found.libpq), "one message of libpq, connection open", target
    )


def deploy_rows(figures: Figures) -> Iterator[Row]:
    """Seconds for the whole fleet; stock's are scaled from a sample."""
    count, busy = figures.size.libraries, figures.busy
    scaled = f"{STOCK_NAME}, sampled and scaled"
    name = f"no-op deploy, {count:,} libraries"
    before = figures.before
    yield less_is_better(name, "s", before.nothing, figures.nothing.scaled_to(count), scaled, target=NOTHING)
    name = f"AddField + AddIndex, {count:,} empty libraries"
    yield less_is_better(name, "s", before.added, figures.added.scaled_to(count), scaled, target=ADDED)
    name = "the same with titles and traffic, times the raw SQL loop"
    yield times(name, "s", busy.ours, busy.raw, f"raw loop, {PARALLEL} connections", RAW_LOOP)
    own = max(busy.ours - before.nothing, 0.0)
    yield times("the same less a no-op deploy", "s", own, busy.raw, f"raw loop, {PARALLEL} connections")
    failed, by_raw = busy.ours_traffic["failed"], busy.raw_traffic["failed"]
    yield Row("requests failed meanwhile", "requests", failed, by_raw, "raw loop", target=NO_FAILURE)
    slowest, by_raw = busy.ours_traffic["slowest"] * 1000, busy.raw_traffic["slowest"] * 1000
    yield less_is_better("slowest request meanwhile", "ms", slowest, by_raw, "raw loop")


def serving_rows(figures: Figures) -> Iterator[Row]:
    """Throughput as a share of plain Django's, and what is sent beyond it."""
    targets = dict(zip(figures.serving.over_http, (HTTP_FEW, HTTP_MANY), strict=False))
    for where, measured in (
        ("over HTTP", figures.serving.over_http),
        ("in process", figures.serving.in_process),
    ):
        for hosts, rates in measured.items():
            target = targets[hosts] if where == "over HTTP" else None
            name = f"view {where}, {hosts:,} hosts: share of the peer's rate"
            yield times(name, "requests/s", rates[OURS], rates[PLAIN], PLAIN_NAME, target)
            yield times(name, "requests/s", rates[OURS], rates[STOCK], STOCK_NAME)
    for kind in ("statements", "trips"):
        for hosts, sent in figures.serving.sent.items():
            ours, stock = (sent[name][kind] - sent[PLAIN][kind] for name in (OURS, STOCK))
            name = f"{kind} beyond plain Django's {sent[PLAIN][kind]:g}, {hosts:,} hosts"
            yield Row(name, "a request", shown(ours), shown(stock), STOCK_NAME, target=EXTRA_STATEMENTS)


def growth_rows(figures: Figures) -> Iterator[Row]:
    """Time for one library at 4N, times that at N."""
    few, many = figures.before, figures.after
    for name, seconds in many.each.items():
        label = f"growth of {name}: {many.libraries:,} libraries, times {few.libraries:,}"
        yield times(
            label, "ms each", seconds * 1000, few.each[name] * 1000, f"ours, {few.libraries:,}", GROWTH
        )


def memory_rows(figures: Figures) -> Iterator[Row]:
    """MiB of one connection's server process."""
    if not figures.memory:
        return
    for count, ours in figures.memory["ours"].items():
        name = f"memory of a connection after every table of {count:,} libraries"
        yield less_is_better(name, "MiB", ours, figures.memory["stock"][count], STOCK_NAME)


def times(
    name: str, unit: str, ours: float, peer: float, peer_name: str, target: Target | None = None
) -> Row:
    """A row whose ratio is ours over the peer's, as its name says."""
    ratio = round(ours / peer, 2) if peer else None
    return Row(name, unit, shown(ours), shown(peer), peer_name, ratio, target)


def milliseconds(samples: Sequence[float]) -> float:
    """The median of seconds, in milliseconds."""
    return statistics.median(samples) * 1000


def notes_of(figures: Figures, rows: Sequence[Row], seconds: float) -> list[str]:
    """What the numbers are, and by how much each missed target is missed."""
    size, traffic = figures.size, figures.busy.ours_traffic
    found = [
        f"{size.libraries:,} libraries, {size.grown:,} in the end; {size.large} of them with {size.titles:,} titles in the"
        f" deploy under traffic. The run took {seconds / 60:.1f} minutes.",
        f"Stock's deploys are SAMPLED over {size.sample} libraries and SCALED to {size.libraries:,}:"
        f" {figures.nothing.each:.3f} s a library with nothing to do, {figures.added.each:.3f} s with the column and index,"
        f" and {figures.nothing.start:.1f} s for the process and the public schema.",
        "Ours are whole processes of manage.py, from start to exit; the next release's template is made in each of them.",
        "A claim is a verified sign-up with its library's rows, committed; stock's new library is its row, its domain and"
        " its migrations, without starting rows.",
        f"Traffic: {traffic['requests']:,} requests of readers and writers during ours,"
        f" {figures.busy.raw_traffic['requests']:,} during the raw loop.",
        f"Over HTTP: Granian, one worker with one thread each, {CONNECTIONS} kept connections. Statements are those that the"
        " server finished, read from libpq's trace; trips are the messages that the server worked on, an empty one that"
        " asks whether it is there included. The target holds for both.",
    ]
    found += [f"Failed meanwhile: {text}" for text in traffic["failures"]]
    if size.libraries < FULL:
        found.append(f"The targets are set for {FULL:,} libraries; this fleet is smaller.")
    return found + [missed for row in rows if (missed := shortfall(row))]


def shortfall(row: Row) -> str:
    """By how much a row misses its target; empty where it does not."""
    if row.met is not False or row.target is None:
        return ""
    measured = row.ours if row.ratio is None else row.ratio
    gap = abs(measured - row.target.value)
    share = f" ({gap / row.target.value:.0%})" if row.target.value else ""
    return f"Missed: {row.name}, against {row.peer_name}: {measured:g}, target {row.target}, by {gap:.3g}{share}."
