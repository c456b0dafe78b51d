"""Sign in everywhere, check that all variants answer the same, count their statements, then time them in turns."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests import guard
from tests.benchmarks.requests.cases import Call, Case, cases, refusals
from tests.benchmarks.requests.choices import LOAD
from tests.benchmarks.requests.data import CALLER, LIBRARY, Desk
from tests.benchmarks.requests.load import Load, rows_of_load, time_load
from tests.benchmarks.requests.servers import Answer, Server
from tests.benchmarks.requests.sizes import OURS, size_of
from tests.benchmarks.requests.targets import MOST_MEMORY, TARGETS
from tests.benchmarks.results import Row, less_is_better, shown
from tests.benchmarks.rounds import Budget, interleave, median_of_medians
from tests.database import PASSWORD

Servers = Mapping[str, Server]
# Before anything is counted or timed, each request is answered this often: connections, caches, templates of queries.
WARM_UP = 3
# A server with many threads may open a connection for each of them, one after another.
TRIES = 12
MEMORY = {"rss": "memory of the worker", "pss": "memory of the worker, its part of what is shared"}


@dataclass(slots=True)
class Found:
    """What was measured, by variant and then by row; and how many rounds each case had at least."""

    statements: dict[str, dict[str, int]]
    times: dict[str, dict[str, float]]
    rounds: int
    load: dict[str, Load]
    memory: dict[str, dict[str, float | None]]

    @property
    def rows(self) -> list[Row]:
        """All rows."""
        load = rows_of_load(self.load) if self.load else []
        return [*rows_of(self.times, self.statements), *load, *rows_of_memory(self.memory)]


def measure(servers: Servers, desk: Desk, options: Options) -> Found:
    """Everything that was asked for. Raises BenchmarkRefused."""
    wanted = [case for case in cases(desk) if options.only is None or case.key in options.only]
    sign_in_all(servers)
    options.say("comparing the answers ...")
    for case in wanted:
        compare(servers, case)
    compare_refusals(servers, refusals(desk))
    statements = {name: statements_of(server, wanted) for name, server in servers.items()}
    times, rounds = time_all(servers, wanted, options)
    load = time_load(servers, desk, options) if options.only is None or LOAD in options.only else {}
    memory = {name: in_mebibytes(server.ask("memory")) for name, server in servers.items()}
    return Found(statements, times, rounds, load, memory)


def in_mebibytes(sizes: Mapping[str, int | None]) -> dict[str, float | None]:
    """Sizes in bytes, in MiB; what is not known stays so."""
    return {name: None if size is None else size / 2**20 for name, size in sizes.items()}


def sign_in_all(servers: Servers) -> None:
    """Sign in everywhere; the asynchronous peers have no such address, and take the token of ours."""
    for server in servers.values():
        if server.variant.asynchronous:
            server.headers = dict(servers[OURS.name].headers)
        else:
            sign_in(server)


def sign_in(server: Server) -> None:
    """Get a token by the ordinary way, and send it from now on. Raises BenchmarkRefused."""
    server.headers = {
        "Host": f"{LIBRARY}.localhost",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    body = orjson.dumps({"email": CALLER, "password": PASSWORD})
    _taken, answer = send(server, Call("signing in", "POST", "/api/v1/auth/login/", body))
    server.headers["Authorization"] = f"Bearer {answer.json()['access']}"


def send(server: Server, call: Call) -> tuple[float, Answer]:
    """One request of a case, timed. Raises BenchmarkRefused for any other status than the case expects."""
    taken, answer = server.timed(call.method, call.path, call.body)
    if answer.status != call.status:
        raise BenchmarkRefused(
            f"{call.row}: {server.variant.name} answers {answer.status} and not {call.status}:"
            f" {answer.body[:300]!r}; its log ends with: {server.log_tail()}"
        )
    return taken, answer


def compare(servers: Servers, case: Case) -> None:
    """Let every variant answer the first requests of a case. Raises BenchmarkRefused where they differ."""
    for number in range(WARM_UP):
        answers = {
            name: [send(server, call)[1] for call in case.calls(number)] for name, server in servers.items()
        }
        for at, call in enumerate(case.calls(number)):
            ours = answers[OURS.name][at]
            for name, theirs in answers.items():
                guard.require_equal(call.row, name, ours, theirs[at], call.varying)


def compare_refusals(servers: Servers, calls: Sequence[Call]) -> None:
    """Let every variant refuse what has to be refused, for the same reason. Raises BenchmarkRefused."""
    for call in calls:
        codes = {name: send(server, call)[1].json().get("code") for name, server in servers.items()}
        # DRF has no code for a missing record; its status says it.
        if call.method == "POST" and len(set(codes.values())) > 1:
            raise BenchmarkRefused(f"{call.row}: refused with different codes: {codes}")


def statements_of(server: Server, wanted: Sequence[Case]) -> dict[str, int]:
    """By row, how many statements one request sends to PostgreSQL, transaction commands included."""
    found: dict[str, int] = {}
    for case in wanted:
        found |= statements_of_case(server, case)
    return found


def statements_of_case(server: Server, case: Case) -> dict[str, int]:
    """Those of one repetition, or of a later one where a thread opened its connection meanwhile.

    All calls of a repetition are sent in any case, for they leave all as it was together. Raises BenchmarkRefused.
    """
    for number in range(WARM_UP, WARM_UP + TRIES):
        sent = {call.row: traced(server, call) for call in case.calls(number)}
        if all(one["whole"] for one in sent.values()):
            return {row: int(one["statements"]) for row, one in sent.items()}
    raise BenchmarkRefused(f"{case.name}: {server.variant.name} opens a connection for each request")


def traced(server: Server, call: Call) -> dict[str, Any]:
    """What one request sent (see `stop_trace` of its application)."""
    server.ask("trace/start")
    send(server, call)
    found: dict[str, Any] = server.ask("trace/stop")
    return found


def time_all(
    servers: Servers, wanted: Sequence[Case], options: Options
) -> tuple[dict[str, dict[str, float]], int]:
    """Milliseconds by variant and row, and the least number of rounds that a case had."""
    size = size_of(quick=options.quick)
    times: dict[str, dict[str, float]] = {name: {} for name in servers}
    least = size.rounds
    for case in wanted:
        options.say(f"timing: {case.name} ...")
        subjects = {name: functools.partial(one_round, server, case) for name, server in servers.items()}
        taken = interleave(subjects, size.rounds, Budget.of(size.seconds / 5))
        for name, rounds in taken.items():
            times[name] |= median_of_medians(rounds)
            least = min(least, len(rounds))
    return times, least


def one_round(server: Server, case: Case) -> dict[str, list[float]]:
    """Milliseconds by row of every request of one round."""
    taken: dict[str, list[float]] = {}
    for number in range(case.repetitions):
        for call in case.calls(number):
            taken.setdefault(call.row, []).append(send(server, call)[0])
    return taken


def rows_of(
    times: Mapping[str, Mapping[str, float]], statements: Mapping[str, Mapping[str, int]]
) -> list[Row]:
    """Ours beside each peer: times with their targets, then statements."""
    rows = []
    for name, ours in times[OURS.name].items():
        rows += beside(name, "ms", ours, {peer: one[name] for peer, one in times.items()})
    for name, count in statements[OURS.name].items():
        theirs = {peer: one[name] for peer, one in statements.items()}
        rows += beside(f"{name}: statements", "statements", count, theirs)
    return rows


def rows_of_memory(memory: Mapping[str, Mapping[str, float | None]]) -> list[Row]:
    """The workers after all of it: ours with its target, then beside each peer."""
    rows = []
    for kind, name in MEMORY.items():
        ours = memory[OURS.name][kind]
        if ours is None:
            continue
        target = MOST_MEMORY if kind == "rss" else None
        rows.append(Row(name, "MiB", shown(ours), target=target))
        for peer, sizes in memory.items():
            theirs = sizes[kind]
            if peer != OURS.name and theirs is not None:
                rows.append(less_is_better(name, "MiB", ours, theirs, peer))
    return rows


def beside(name: str, unit: str, ours: float, theirs: Mapping[str, float]) -> list[Row]:
    """A row for each peer, with its target if there is one; of ours alone where there are none."""
    peers = {peer: value for peer, value in theirs.items() if peer != OURS.name}
    if not peers:
        return [Row(name, unit, shown(ours))]
    return [
        less_is_better(name, unit, ours, value, peer, target=TARGETS.get(peer, {}).get(name))
        for peer, value in peers.items()
    ]
