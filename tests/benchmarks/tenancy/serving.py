"""Phase: what tenancy costs a request, called in process and over HTTP, and what it sends to the server."""

from __future__ import annotations

import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests import servers
from tests.benchmarks.requests.servers import Server, Variant
from tests.benchmarks.rounds import interleave
from tests.benchmarks.tenancy.field import Field
from tests.benchmarks.tenancy.process import PACKAGE, Contender
from tests.benchmarks.tenancy.view import PATH

OURS, STOCK, PLAIN = "ours", "stock", "plain"
_SETTINGS = {OURS: "settings_ours", STOCK: "settings_stock", PLAIN: "settings_plain"}
CONNECTIONS = 4
_ANSWER_SECONDS = 30.0
_COUNTED = 100


@dataclass(frozen=True)
class Serving:
    """By the number of hosts, then by who: requests a second; in process also statements and trips for one request."""

    in_process: dict[int, dict[str, float]]
    over_http: dict[int, dict[str, float]]
    sent: dict[int, dict[str, dict[str, float]]]


def measure(field: Field) -> Serving:
    """Everybody in turn, at few hosts and at all. Raises BenchmarkRefused where the answers differ."""
    named = zip(field.hosts(len(field.schemas)), field.schemas, strict=True)
    field.stock.ask("stock.add_tenants", hosts=list(named))
    contenders = {OURS: field.ours, STOCK: field.stock, PLAIN: field.plain}
    require_equal_answers(contenders, field.hosts(1))
    counts = list(dict.fromkeys([field.size.few_hosts, len(field.schemas)]))
    in_process, sent = {}, {}
    for count in counts:
        hosts = field.hosts(count)
        rates = partial(_rate_in_process, hosts=hosts, count=field.size.requests)
        in_process[count] = _in_turn({name: partial(rates, one) for name, one in contenders.items()}, field)
        sent[count] = {
            name: one.ask("calls.sent", hosts=hosts[:_COUNTED], count=_COUNTED)
            for name, one in contenders.items()
        }
    return Serving(in_process, _over_http(field, counts), sent)


def require_equal_answers(contenders: Mapping[str, Contender], hosts: Sequence[str]) -> None:
    """Refuse to measure where somebody answers otherwise than plain Django does in the same schema."""
    answers = {name: one.ask("calls.bodies", hosts=list(hosts)) for name, one in contenders.items()}
    for name, bodies in answers.items():
        if bodies != answers[PLAIN]:
            raise BenchmarkRefused(
                f"{name} answers {bodies[0][:200]}, plain Django {answers[PLAIN][0][:200]}"
            )


def _in_turn(rates: Mapping[str, Callable[[], float]], field: Field) -> dict[str, float]:
    # Once for nothing: every connection has read the catalogue of every schema, as one that has served for a while.
    for rate in rates.values():
        rate()
    taken = interleave(rates, field.size.request_rounds)
    return {name: statistics.median(found) for name, found in taken.items()}


def _rate_in_process(one: Contender, hosts: Sequence[str], count: int) -> float:
    count = max(count, len(hosts))
    return count / float(one.ask("calls.seconds", hosts=list(hosts), count=count))


def _over_http(field: Field, counts: Sequence[int]) -> dict[int, dict[str, float]]:
    variants = [Variant(name, f"{PACKAGE}.{settings}") for name, settings in _SETTINGS.items()]
    environment = {**field.environment, "BENCHMARK_SCHEMA": field.schemas[0]}
    found = {}
    with servers.running(variants, environment, field.folder) as running:
        for count in counts:
            hosts = field.hosts(count)
            rates = {
                name: partial(throughput, server, hosts, max(field.size.requests, count))
                for name, server in running.items()
            }
            found[count] = _in_turn(rates, field)
    return found


def throughput(server: Server, hosts: Sequence[str], count: int) -> float:
    """Requests a second over CONNECTIONS kept connections, each with its next request as soon as it has an answer."""
    wanted = iter(list(islice(cycle(hosts), count)))
    clients = [_Client(server.port) for _ in range(CONNECTIONS)]
    try:
        started = time.perf_counter()
        busy = [client for client in clients if client.send_next(wanted)]
        while busy:
            for client in list(busy):
                client.receive()
                if not client.send_next(wanted):
                    busy.remove(client)
        return count / (time.perf_counter() - started)
    finally:
        for client in clients:
            client.close()


class _Client:
    """One connection that costs next to nothing itself: the servers are measured, and they share the machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def send_next(self, wanted: Iterator[str]) -> bool:
        """Send the next request; False where there is none."""
        host = next(wanted, None)
        if host is None:
            return False
        self._socket.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return True

    def receive(self) -> None:
        """Read one whole answer. Raises BenchmarkRefused for a status other than 200."""
        head, rest = self._until(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        if not lines[0].startswith(b"http/1.1 200"):
            raise BenchmarkRefused(f"a measured request was answered {lines[0].decode(errors='replace')}")
        if b"transfer-encoding: chunked" in lines:
            self._rest = rest
            self._rest = self._until(b"0\r\n\r\n")[1]
            return
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(rest) < length:
            rest += self._more()
        self._rest = rest[length:]

    def _until(self, mark: bytes) -> tuple[bytes, bytes]:
        while mark not in self._rest:
            self._rest += self._more()
        before, _, after = self._rest.partition(mark)
        self._rest = b""
        return before, after

    def _more(self) -> bytes:
        received = self._socket.recv(65_536)
        if not received:
            raise BenchmarkRefused("a server closed the connection in the middle of an answer")
        return received

    def close(self) -> None:
        """Close it."""
        self._socket.close()
