"""Sign in everywhere, check that all variants answer the same, count their statements, then time them in turns."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import orjson

from tests.benchmarks.registry import BenchmarkRefused, Options
from tests.benchmarks.requests import guard
from tests.benchmarks.requests.cases import TARGETS, Call, Case, cases, refusals
from tests.benchmarks.requests.data import CALLER, LIBRARY, Desk
from tests.benchmarks.requests.servers import Answer, Server
from tests.benchmarks.requests.sizes import OURS, USUAL, size_of
from tests.benchmarks.results import Row, less_is_better
from tests.benchmarks.rounds import Budget, interleave, median_of_medians
from tests.database import PASSWORD

Servers = Mapping[str, Server]
# Before anything is counted or timed, each request is answered this often: connections, caches, templates of queries.
WARM_UP = 3


def measure(servers: Servers, desk: Desk, options: Options) -> tuple[list[Row], int]:
    """All rows, and how many rounds each case had at least. Raises BenchmarkRefused."""
    wanted = cases(desk)
    for server in servers.values():
        sign_in(server)
    options.say("comparing the answers ...")
    for case in wanted:
        compare(servers, case)
    compare_refusals(servers, refusals(desk))
    statements = {name: statements_of(server, wanted) for name, server in servers.items()}
    times, rounds = time_all(servers, wanted, options)
    memory = {name: server.ask("memory")["bytes"] / 2**20 for name, server in servers.items()}
    return rows_of(times, statements, memory), rounds


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
    found = {}
    for case in wanted:
        for call in case.calls(WARM_UP):
            server.ask("trace/start")
            send(server, call)
            found[call.row] = int(server.ask("trace/stop")["statements"])
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
        taken = interleave(subjects, size.rounds, Budget.of(size.seconds / len(wanted)))
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
    times: Mapping[str, Mapping[str, float]],
    statements: Mapping[str, Mapping[str, int]],
    memory: Mapping[str, float],
) -> list[Row]:
    """Ours beside each peer: times with their targets, then statements, then memory."""
    peers = [name for name in times if name != OURS.name]
    rows = []
    for name, ours in times[OURS.name].items():
        for peer in peers:
            target = TARGETS.get(name) if peer == USUAL.name else None
            rows.append(less_is_better(name, "ms", ours, times[peer][name], peer, target=target))
    for name, count in statements[OURS.name].items():
        for peer in peers:
            rows.append(
                less_is_better(f"{name}: statements", "statements", count, statements[peer][name], peer)
            )
    for peer in peers:
        rows.append(less_is_better("memory of the worker", "MiB", memory[OURS.name], memory[peer], peer))
    return rows
