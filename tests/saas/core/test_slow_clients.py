"""Clients that are slow, silent or gone, at a real Granian with the product's options: they hold up nobody."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connections

from saas.core.db.owner import owner_connection
from saas.core.reception import RECEIVED_BYTES, UPLOAD_WORKERS, WORKERS
from saas.demo.processes import WEB
from tests import database, granian_process
from tests.conftest import client_for
from tests.granian_process import Granian

pytestmark = pytest.mark.slow
HOST = "east.localhost"
SLOW = 20
# Larger than what the kernel takes from a server for a client that reads nothing.
LARGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
HEAD = f"Host: {HOST}\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def _database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def server(_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granian]:
    log = tmp_path_factory.mktemp("web") / "log"
    options = [option for option in WEB if option not in ("--interface", "wsgi")]
    with granian_process.granian("wsgi", "saas.wsgi:application", *options, log=log) as running:
        yield running


@pytest.fixture(scope="module")
def token(_database: None) -> str:
    from shared_apps.tenants.selectors import find_library_by_subdomain

    return str(client_for(find_library_by_subdomain("east"), "reader")._credentials["HTTP_AUTHORIZATION"])


@pytest.fixture
def slow(server: Granian) -> Iterator[Callable[..., socket.socket]]:
    """`slow(b"what it sends first")`: a client that then does nothing until the test ends."""
    with ExitStack() as stack:

        def connect(first: bytes) -> socket.socket:
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(first)
            return client

        yield connect


def me(server: Granian, token: str) -> float:
    """Ask a question that the database answers; the seconds that it took."""
    started = time.monotonic()
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        client.request("GET", "/api/v1/me/", headers={"Host": HOST, "Authorization": token})
        answer = client.getresponse()
        body = answer.read()
        assert answer.status == 200, body
    finally:
        client.close()
    return time.monotonic() - started


def assert_served(server: Granian, token: str) -> None:
    """Ten people one after the other, and ten at once: nobody waits."""
    taken = [me(server, token) for _ in range(10)]
    assert sorted(taken)[5] < 1, taken
    together: list[float] = []
    threads = [threading.Thread(target=lambda: together.append(me(server, token))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(together) == 10
    assert sorted(together)[5] < 2, together


def backends() -> list[str]:
    """State of each connection of the served process: all of this database's but those of this process."""
    own = [one.connection.info.backend_pid for one in connections.all() if one.connection is not None]
    with database.maintenance_connection() as asking:
        rows = asking.execute(
            "SELECT state FROM pg_stat_activity WHERE datname = %s AND pid <> ALL(%s)",
            [connections["default"].settings_dict["NAME"], own],
        )
        return [str(state) for (state,) in rows]


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, backends()
        time.sleep(0.05)


def assert_nothing_is_stuck() -> None:
    eventually(lambda: set(backends()) <= {"idle"})
    assert len(backends()) <= WORKERS + UPLOAD_WORKERS


def leave(client: socket.socket) -> None:
    """Gone at once, without the goodbye of TCP: as a machine whose cable was pulled, when the kernel hears of it."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


BEGINNINGS = {
    "a head that does not end": f"GET /api/v1/me/ HTTP/1.1\r\n{HEAD}X-More: ".encode(),
    "a body that does not come": f"POST /api/v1/auth/login/ HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n".encode(),
    "a body that does not end": (
        f"POST /api/v1/auth/login/ HTTP/1.1\r\n{HEAD}Content-Length: 100\r\n\r\n" + '{"email": "re'
    ).encode(),
    "an upload that does not end": (
        f"POST /api/v1/imports/ HTTP/1.1\r\n{HEAD}Content-Length: {RECEIVED_BYTES * 2}\r\n\r\n--x"
    ).encode(),
    "an answer that is not read": f"GET {LARGE} HTTP/1.1\r\n{HEAD}\r\n".encode() * 8,
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=list(BEGINNINGS))
def test_slow_clients_hold_up_nobody(
    server: Granian, token: str, slow: Callable[..., socket.socket], beginning: bytes
) -> None:
    for _ in range(SLOW):
        slow(beginning)
    assert_served(server, token)
    assert_nothing_is_stuck()


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=list(BEGINNINGS))
def test_clients_that_leave_take_no_thread_with_them(
    server: Granian, token: str, slow: Callable[..., socket.socket], beginning: bytes
) -> None:
    for _ in range(3):  # in all more than there are threads
        gone = [slow(beginning) for _ in range(100)]
        time.sleep(0.2)
        for client in gone:
            leave(client)
    assert_served(server, token)
    assert_nothing_is_stuck()


def test_one_byte_at_a_time(server: Granian, token: str, slow: Callable[..., socket.socket]) -> None:
    """Head and body trickle from each of them, and each gets its answer in the end."""
    body = b'{"email": "nobody@east.example", "password": "wrong"}'
    whole = f"POST /api/v1/auth/login/ HTTP/1.1\r\n{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    clients = [slow(b"") for _ in range(SLOW)]
    trickled = threading.Thread(target=trickle, args=[clients, whole])
    trickled.start()
    while trickled.is_alive():
        assert me(server, token) < 2
    trickled.join()
    for client in clients:
        client.settimeout(10)
        assert client.recv(4096).startswith(b"HTTP/1.1 401 ")


def trickle(clients: list[socket.socket], whole: bytes) -> None:
    for at in range(len(whole)):
        for client in clients:
            client.sendall(whole[at : at + 1])
        time.sleep(0.005)


def test_a_large_answer_is_read_slowly_to_its_end(
    server: Granian, slow: Callable[..., socket.socket]
) -> None:
    client = slow(f"GET {LARGE} HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode())
    client.settimeout(20)
    time.sleep(1)
    received = bytearray()
    while part := client.recv(65_536):
        received += part
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    assert len(body) == int(length.split(b":")[1]) > 1_000_000


def test_clients_that_leave_while_their_request_waits_for_the_database(
    server: Granian, token: str, slow: Callable[..., socket.socket]
) -> None:
    """All threads that work wait for one lock, and nobody waits for their answers any more."""
    request = f"GET /api/v1/me/ HTTP/1.1\r\n{HEAD}Authorization: {token}\r\n\r\n".encode()
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE lib_east.accounts_user IN ACCESS EXCLUSIVE MODE")
        gone = [slow(request) for _ in range(WORKERS * 2)]
        eventually(lambda: backends().count("active") == WORKERS)
        for client in gone:
            leave(client)
        cursor.execute("ROLLBACK")
    assert_served(server, token)
    assert_nothing_is_stuck()


def test_the_process_ends_while_clients_are_slow(_database: None, token: str, tmp_path: Any) -> None:
    options = [option for option in WEB if option not in ("--interface", "wsgi")]
    with granian_process.granian(
        "wsgi", "saas.wsgi:application", *options, "--workers-kill-timeout", "3", log=tmp_path / "log"
    ) as running:
        assert me(running, token) < 20
        with ExitStack() as stack:
            for beginning in BEGINNINGS.values():
                client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
                client.sendall(beginning)
            time.sleep(0.3)
            assert running.stop() < 10
