"""Clients at once: what the generator sends and times, and the rows made of it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests import generator, load
from tests.benchmarks.requests.cases import Call
from tests.benchmarks.requests.data import Desk
from tests.benchmarks.requests.load import Load, percentile, request_text, rows_of_load, summary
from tests.benchmarks.requests.sizes import CLIENTS, OURS, PLAIN, USUAL

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
GET = "GET /a/ HTTP/1.1\r\nHost: x\r\n\r\n"
DESK = Desk([1], ["B1"], ["C1"], "", "", "", {})


@contextmanager
def server(*parts: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers each request with these parts, one after another; yields its port and what it was sent."""
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        # A client that ends its process over a wrong answer leaves answers unread.
        with connection, contextlib.suppress(ConnectionError):
            while request := connection.recv(65536):
                asked.append(request)
                for part in parts:
                    connection.sendall(part)

    def accept() -> None:
        while True:
            try:
                connection, _address = listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1], asked
        listening.shutdown(socket.SHUT_RDWR)


def test_every_client_works_on_a_connection_of_its_own_until_the_time_is_up() -> None:
    with server(OK[:20], OK[20:]) as (port, asked):
        found = generator.work(port, 0.2, [[[(GET, 200)]]] * 3)
    assert len(found["milliseconds"]) == len(asked) >= 3
    assert 0.2 <= found["seconds"] < 5
    assert found["cpu"] > 0  # of the whole process, and here that is the server too
    assert all(0 < one < 1000 for one in found["milliseconds"])


def test_what_belongs_together_is_finished_after_the_time() -> None:
    first, second = GET, GET.replace("/a/", "/b/")
    with server(OK) as (port, asked):
        generator.work(port, 0.0, [[[(first, 200), (second, 200)]]])
    assert [request.split()[1] for request in asked] == [b"/a/", b"/b/"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "not 200 but b'HTTP/1.1 500"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no Content-Length"),
    ],
)
def test_a_wrong_answer_is_no_measurement(answer: bytes, message: str) -> None:
    with server(answer) as (port, _asked):
        with pytest.raises(generator.WrongAnswer, match=message):
            generator.work(port, 1.0, [[[(GET, 200)]]])


def test_an_answer_is_whole_with_its_last_byte() -> None:
    assert generator.is_whole(OK)
    assert not generator.is_whole(OK[:-1])
    assert not generator.is_whole(OK[:30])


def test_the_process_of_the_generator_imports_no_django() -> None:
    check = "import tests.benchmarks.requests.generator, sys; sys.exit('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).resolve().parents[2], check=False)
    assert done.returncode == 0


def variant(port: int) -> Any:
    return SimpleNamespace(port=port, headers={"Host": "north"}, variant=OURS, log_tail=lambda: "the log")


def test_a_round_reports_the_requests_of_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "mix", lambda *_: [[Call("list", "GET", "/list/")]])
    with server(OK) as (port, asked):
        found = load.one_round(variant(port), DESK, 0.05)
        assert len(found["milliseconds"]) == len(asked) >= CLIENTS
    with server(OK.replace(b"200", b"409")) as (port, _asked):
        with pytest.raises(
            BenchmarkRefused, match=r"8 clients of ours: not 200 but .* log ends with: the log"
        ):
            load.one_round(variant(port), DESK, 0.05)


def test_a_request_is_written_with_its_headers_and_the_length_of_its_body() -> None:
    call = Call("checkout", "POST", "/loans/", orjson.dumps({"name": "è"}), 201)
    assert request_text(variant(1), call) == (
        'POST /loans/ HTTP/1.1\r\nHost: north\r\nContent-Length: 13\r\n\r\n{"name":"è"}'
    )
    assert request_text(variant(1), Call("me", "GET", "/me/")) == "GET /me/ HTTP/1.1\r\nHost: north\r\n\r\n"


def test_percentiles_are_of_measured_times() -> None:
    times = [float(one) for one in range(1, 201)]
    assert [percentile(times, share) for share in (0.5, 0.95, 0.99, 1.0)] == [100, 190, 198, 200]
    assert percentile([7.0], 0.99) == 7.0


def test_rounds_are_put_together() -> None:
    rounds = [
        {"milliseconds": [1.0, 5.0], "seconds": 2.0, "cpu": 0.2},
        {"milliseconds": [3.0, 9.0], "seconds": 2.0, "cpu": 0.6},
    ]
    assert summary(rounds) == Load(rate=1.0, p50=3.0, p95=9.0, p99=9.0, generator=0.2)
    assert summary(rounds).tail == 3.0


def test_the_target_is_for_the_tail_of_ours() -> None:
    ours, usual = Load(300, 10, 20, 31, 0.1), Load(100, 30, 40, 60, 0.1)
    rows = rows_of_load({OURS.name: ours, USUAL.name: usual})
    assert [(row.name, row.peer_name, row.ours, row.ratio, row.met) for row in rows] == [
        ("8 clients: p99 over p50", None, 3.1, None, False),
        ("8 clients: p99 over p50", USUAL.name, 3.1, None, None),
        ("8 clients", USUAL.name, 300, 3.0, None),
        ("8 clients: p50", USUAL.name, 10, 3.0, None),
        ("8 clients: p95", USUAL.name, 20, 2.0, None),
        ("8 clients: p99", USUAL.name, 31, 1.94, None),
    ]
    assert rows_of_load({OURS.name: Load(300, 10, 20, 30, 0.1)})[0].met is True
    assert [row.name for row in rows_of_load({OURS.name: ours})] == [
        "8 clients: p99 over p50",
        "8 clients",
        "8 clients: p50",
        "8 clients: p95",
        "8 clients: p99",
    ]
    assert PLAIN.name not in {row.peer_name for row in rows}
