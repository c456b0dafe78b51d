"""Phases: a deploy with nothing to migrate, and one that adds a column and an index in every library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.tenancy import raw, scratch
from tests.benchmarks.tenancy.field import SUBDOMAIN, Field
from tests.benchmarks.tenancy.process import manage

APP, MIGRATION = "catalog", "benchmark_0001"
PARALLEL = 2
_UNRECORD = f"DELETE FROM django_migrations WHERE app = '{APP}' AND name = '{MIGRATION}';"
_UNDO = (
    "DROP INDEX catalog_title_benchmark; ALTER TABLE catalog_title DROP COLUMN benchmark_shelf;" + _UNRECORD
)
_RECORD = f"INSERT INTO django_migrations (app, name, applied) VALUES ('{APP}', '{MIGRATION}', now());"


@dataclass(frozen=True)
class Sampled:
    """Stock's `migrate_schemas`: seconds of the process for the public schema, and for one library (mean)."""

    start: float
    each: float

    def scaled_to(self, libraries: int) -> float:
        """Seconds for a whole fleet."""
        return self.start + self.each * libraries


@dataclass(frozen=True)
class Busy:
    """A deploy under traffic: seconds of ours and of the raw loop, and what became of the requests meanwhile."""

    ours: float
    raw: float
    ours_traffic: dict[str, Any]
    raw_traffic: dict[str, Any]


def stock(field: Field, sample: Sequence[str], settings: str = "settings_stock") -> Sampled:
    """Stock's deploy: nothing to do with `settings_stock`, the added migration with `settings_stock_next`."""
    started = time.perf_counter()
    manage("migrate_schemas", "--shared", settings="settings_stock", environment=field.environment)
    start = time.perf_counter() - started
    took = field.process(settings).ask("stock.migrate", schemas=list(sample))
    return Sampled(start, took / len(sample))


def nothing_to_do(field: Field) -> float:
    """Seconds of our whole process where every library has every migration: the median of the rounds."""
    return statistics.median(
        _deploy(field, "settings_ours", migrates=False) for _ in range(field.size.fleet_rounds)
    )


def add_column(field: Field) -> float:
    """Seconds of our whole process that adds a column and an index, the median; taken back each time."""
    taken = []
    for _ in range(field.size.fleet_rounds):
        taken.append(forward(field))
        take_back(field)
    return statistics.median(taken)


def under_traffic(field: Field, statements: str) -> Busy:
    """The same with readers and writers at work, and in turn with it the raw loop over the same libraries."""
    ours, bare = [], []
    traffic: dict[str, list[dict[str, Any]]] = {"ours": [], "raw": []}
    for _ in range(field.size.fleet_rounds):
        with_traffic = _Traffic(field)
        bare.append(raw.loop(field.schemas, statements + _RECORD, PARALLEL))
        traffic["raw"].append(with_traffic.end())
        raw.loop(field.schemas, _UNDO, PARALLEL)
        with_traffic = _Traffic(field)
        ours.append(forward(field))
        traffic["ours"].append(with_traffic.end())
        take_back(field)
    return Busy(statistics.median(ours), statistics.median(bare), _sum(traffic["ours"]), _sum(traffic["raw"]))


def forward(field: Field) -> float:
    """Migrate the fleet to the next release, whose template has to be made, as in every real deploy."""
    forget_next_release()
    return _deploy(field, "settings_next", "--parallel", str(PARALLEL))


def take_back(field: Field) -> None:
    """Undo the added migration everywhere by the bare SQL, which is quick: only the way forward is measured."""
    raw.loop(field.schemas, _UNDO, PARALLEL)
    with scratch.connect() as connection:
        connection.execute(_UNRECORD)
        connection.execute("UPDATE fleet_libraryschema SET release = %s", [field.release])


def statements_of(field: Field) -> str:
    """The added migration's SQL, as Django writes it."""
    lines = field.process("settings_next").ask(
        "ours.added_sql", schema=field.schemas[0], app=APP, migration=MIGRATION
    )
    if not lines:
        raise BenchmarkRefused("the added migration has no SQL")
    return "\n".join(lines)


def forget_next_release() -> None:
    """Throw away what earlier rounds have prepared for the next release: releases that no library has."""
    with scratch.connect() as connection:
        connection.execute(
            "DELETE FROM fleet_release WHERE key NOT IN (SELECT release FROM fleet_libraryschema)"
        )


def _deploy(field: Field, settings: str, *arguments: str, migrates: bool = True) -> float:
    """Seconds of one whole process. Raises BenchmarkRefused where it did not do what is being timed."""
    started = time.perf_counter()
    done = manage("migrate_schemas", *arguments, "--json", settings=settings, environment=field.environment)
    taken = time.perf_counter() - started
    report = orjson.loads(done.stdout)
    libraries = len(field.schemas)
    expected = (
        {"migrated": libraries, "unchanged": 0} if migrates else {"migrated": 0, "unchanged": libraries}
    )
    if {name: report[name] for name in expected} != expected or report["drifted"]:
        raise BenchmarkRefused(f"a deploy of {libraries} libraries reports {done.stdout[:500]}")
    return taken


class _Traffic:
    """Readers and writers, from now until `end`: in the libraries with titles, and in as many without."""

    def __init__(self, field: Field) -> None:
        self._process = field.process("settings_ours", "traffic")
        names = [SUBDOMAIN.format(number) for number in range(min(2 * field.size.large, len(field.schemas)))]
        self._process.ask("traffic.start", subdomains=names)

    def end(self) -> dict[str, Any]:
        found: dict[str, Any] = self._process.ask("traffic.stop")
        return found


def _sum(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "requests": sum(one["requests"] for one in found),
        "failed": sum(one["failed"] for one in found),
        "failures": [text for one in found for text in one["failures"]],
        "slowest": max(one["slowest"] for one in found),
    }
