"""Clients at once: how many requests a second a worker answers, and how long the slowest wait."""

from __future__ import annotations

import functools
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests.cases import Call, mix
from tests.benchmarks.requests.data import Desk
from tests.benchmarks.requests.servers import PROJECT, Server, request_bytes
from tests.benchmarks.requests.sizes import CLIENTS, OURS, size_of
from tests.benchmarks.results import AT_MOST, Row, Target, less_is_better, more_is_better, shown
from tests.benchmarks.rounds import interleave

TAIL = Target(AT_MOST, 3)
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """What one variant did under CLIENTS clients, over all rounds: requests a second, milliseconds, and the share of a
    core that the generator used.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    generator: float

    @property
    def tail(self) -> float:
        """How many times the ordinary request the slowest of a hundred takes."""
        return round(self.p99 / self.p50, 2)


def time_load(servers: Mapping[str, Server], desk: Desk, options: Options) -> dict[str, Load]:
    """Every variant in turn, several rounds. Raises BenchmarkRefused where an answer is wrong."""
    options.say(f"timing: {CLIENTS} clients at once ...")
    size = size_of(quick=options.quick)
    subjects = {
        name: functools.partial(one_round, server, desk, size.load_seconds)
        for name, server in servers.items()
    }
    for run in subjects.values():  # once for nothing: all threads have their connections, and caches are warm
        run()
    return {name: summary(rounds) for name, rounds in interleave(subjects, size.load_rounds).items()}


def one_round(server: Server, desk: Desk, seconds: float) -> dict[str, Any]:
    """What the generator found (see its `work`). Raises BenchmarkRefused."""
    clients = [
        [[(request_text(server, call), call.status) for call in unit] for unit in mix(desk, number, CLIENTS)]
        for number in range(CLIENTS)
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.requests.generator"],
        input=json.dumps({"port": server.port, "seconds": seconds, "clients": clients}),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise BenchmarkRefused(
            f"{CLIENTS} clients of {server.variant.name}: {done.stderr.strip()[-600:]}; "
            f"its log ends with: {server.log_tail()}"
        )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def request_text(server: Server, call: Call) -> str:
    """The request as it goes over the wire."""
    return request_bytes(server.headers, call.method, call.path, call.body).decode()


def summary(rounds: Sequence[Mapping[str, Any]]) -> Load:
    """All requests of all rounds together: a hundredth of one round would be a handful."""
    times = sorted(one for found in rounds for one in found["milliseconds"])
    seconds = sum(found["seconds"] for found in rounds)
    generator = sum(found["cpu"] for found in rounds) / seconds
    p50, p95, p99 = (percentile(times, share) for share in (0.50, 0.95, 0.99))
    return Load(len(times) / seconds, p50, p95, p99, generator)


def percentile(times: Sequence[float], share: float) -> float:
    """The least of the sorted times that this share of them does not exceed."""
    return times[max(0, math.ceil(share * len(times)) - 1)]


def rows_of_load(found: Mapping[str, Load]) -> list[Row]:
    """Ours beside each peer. The target is for ours: how far the slowest hundredth is from the middle."""
    ours, what = found[OURS.name], f"{CLIENTS} clients"
    peers = {name: load for name, load in found.items() if name != OURS.name}
    rows = [Row(f"{what}: p99 over p50", "times", shown(ours.tail), target=TAIL)]
    rows += [
        Row(f"{what}: p99 over p50", "times", shown(ours.tail), shown(one.tail), name)
        for name, one in peers.items()
    ]
    rows += [more_is_better(what, "requests/s", ours.rate, one.rate, name) for name, one in peers.items()]
    for share in ("p50", "p95", "p99"):
        rows += [
            less_is_better(f"{what}: {share}", "ms", getattr(ours, share), getattr(one, share), name)
            for name, one in peers.items()
        ]
    if not peers:
        rows.append(Row(what, "requests/s", shown(ours.rate)))
        rows += [Row(f"{what}: {one}", "ms", shown(getattr(ours, one))) for one in ("p50", "p95", "p99")]
    return rows
