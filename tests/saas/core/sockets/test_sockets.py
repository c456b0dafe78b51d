"""Sockets in a real process: who is let in, what no client may do, and that nothing is left of those who go."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from saas.core.sockets import Socket, SocketRoute, Sockets
from saas.core.sockets.admission import Admission
from saas.core.tenancy import in_public
from shared_apps.tenants.models import Library
from tests import granian_process
from tests.granian_process import Granian
from tests.websocket_client import BINARY, CLOSE, PING, PONG, Refused, WebSocket

SERVED = "tests.saas.core.sockets.served"
EAST, WEST = "east.localhost", "west.localhost"


@pytest.fixture(scope="module")
def _database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def server(_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granian]:
    log = tmp_path_factory.mktemp("sockets") / "log"
    with granian_process.granian("asgi", f"{SERVED}:application", log=log) as running:
        yield running


@pytest.fixture
def opened(server: Granian) -> Iterator[Callable[..., WebSocket]]:
    """`opened("/ws/echo/", "east.localhost", Origin="...")`; closed again, and the server is well, at the end."""
    with ExitStack() as stack:

        def connect(path: str = "/ws/echo/", host: str = EAST, **headers: str) -> WebSocket:
            return stack.enter_context(WebSocket(server.port, host, path, **headers))

        yield connect
    assert_well(server)


def assert_well(server: Granian) -> None:
    assert ask(server, "GET", "/health/live/")[0] == 200
    with WebSocket(server.port, WEST, "/ws/echo/") as ws:
        ws.send("still")
        assert ws.text() == "still"


def ask(server: Granian, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    client.request(method, path, headers={"Host": EAST, **headers})
    answer = client.getresponse()
    try:
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        client.close()


def refusal(server: Granian, path: str, host: str = EAST, **headers: str) -> tuple[int, str]:
    """Status and code of the problem that a handshake is answered with."""
    with pytest.raises(Refused) as refused:
        WebSocket(server.port, host, path, **headers)
    assert refused.value.headers["content-type"] == "application/problem+json"
    assert refused.value.headers["cache-control"] == "no-store"
    return refused.value.status, json.loads(refused.value.body)["code"]


@contextmanager
def status_of(subdomain: str, status: str) -> Iterator[None]:
    with in_public():
        rows = Library.objects.filter(subdomain=subdomain)
        before = rows.get().status
        rows.update(status=status)
    try:
        yield
    finally:
        with in_public():
            rows.update(status=before)


# -- who is let in ----------------------------------------------------------------------------------------------------


def test_messages_come_and_go(opened: Callable[..., WebSocket]) -> None:
    ws = opened()
    for message in ("first", "", "größer", "x" * 1000):
        ws.send(message)
        assert ws.text() == message
    ws.send(b"\x00\xff")
    assert ws.receive() == (BINARY, b"\x00\xff")
    ws.send(b"are you there", PING)
    assert ws.receive() == (PONG, b"are you there")


def test_each_socket_asks_the_database_of_its_host(opened: Callable[..., WebSocket]) -> None:
    found = {}
    for _ in range(3):
        for host in (EAST, WEST, "localhost"):
            ws = opened(host=host)
            ws.send("where")
            found.setdefault(host, set()).add(ws.text())
    assert found == {EAST: {"lib_east"}, WEST: {"lib_west"}, "localhost": {"public"}}


def test_what_does_not_exist_is_refused(server: Granian, opened: Callable[..., WebSocket]) -> None:
    opened()
    assert refusal(server, "/ws/echo/", "nobody.localhost") == (404, "library_not_found")
    assert refusal(server, "/ws/nothing/") == (404, "not_found")
    assert refusal(server, "/ws/echo") == (404, "not_found")
    assert refusal(server, "/api/v1/me/") == (404, "not_found")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        ("suspended", (402, "library_suspended")),
        ("closed", (410, "library_closed")),
        ("provisioning", (404, "library_not_found")),
    ],
)
def test_a_library_that_is_not_open_has_no_sockets(
    server: Granian, opened: Callable[..., WebSocket], status: str, answer: tuple[int, str]
) -> None:
    with status_of("east", status):
        assert refusal(server, "/ws/echo/") == answer
        opened(host=WEST)
    opened()


def test_the_route_says_who_is_let_in(server: Granian, opened: Callable[..., WebSocket]) -> None:
    assert refusal(server, "/ws/guarded/") == (403, "permission_denied")
    assert refusal(server, "/ws/guarded/", X_Wish="break") == (500, "internal_error")
    ws = opened("/ws/guarded/", X_Wish="in")
    ws.send("where")
    assert ws.text() == "lib_east"
    assert "ZeroDivisionError" in server.said()


@pytest.mark.parametrize(
    "origin",
    [
        "http://west.localhost",
        "https://east.localhost",
        "http://east.localhost:81",
        "null",
        "http://evil.example",
    ],
)
def test_a_page_of_another_site_is_refused(
    server: Granian, opened: Callable[..., WebSocket], origin: str
) -> None:
    assert refusal(server, "/ws/echo/", Origin=origin) == (403, "foreign_origin")
    opened(Origin="http://east.localhost")
    opened(Origin=f"http://east.localhost:{urlsplit(settings.PUBLIC_URL).port}")


def test_a_route_is_below_its_prefix_and_says_who_is_let_in() -> None:
    for path in ("/echo/", "/ws/echo", "/api/v1/ws/"):
        with pytest.raises(ValueError, match="/ws/"):
            SocketRoute(path, lambda request: None, lambda socket: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError):
        SocketRoute("/ws/open/", handle=lambda socket: None)  # type: ignore[call-arg, arg-type, return-value]


def test_plain_requests_find_their_health_and_nothing_else(server: Granian) -> None:
    status, headers, body = ask(server, "GET", "/health/live/", Host="10.0.0.1")
    assert (status, json.loads(body)) == (200, {"status": "ok"})
    assert ask(server, "HEAD", "/health/live/")[::2] == (200, b"")
    for method, path in [
        ("GET", "/"),
        ("GET", "/api/v1/me/"),
        ("POST", "/health/live/"),
        ("GET", "/ws/echo/"),
    ]:
        status, headers, body = ask(server, method, path)
        assert (status, json.loads(body)["code"]) == (404, "not_found")
        assert headers["content-type"] == "application/problem+json"


def test_the_request_id_leads_to_the_log(server: Granian, opened: Callable[..., WebSocket]) -> None:
    opened(X_Request_ID="handshake-of-this-test")
    with pytest.raises(Refused) as refused:
        WebSocket(server.port, EAST, "/ws/nothing/", X_Request_ID="refused-in-this-test")
    assert json.loads(refused.value.body)["request_id"] == "refused-in-this-test"


def test_the_product_has_no_socket_yet(_database: None, tmp_path: Any) -> None:
    with granian_process.granian("asgi", "saas.asgi:application", log=tmp_path / "log") as running:
        assert refusal(running, "/ws/echo/") == (404, "not_found")
        assert ask(running, "GET", "/health/live/")[0] == 200


# -- limits -----------------------------------------------------------------------------------------------------------


def test_a_message_that_is_too_large_ends_the_socket(opened: Callable[..., WebSocket]) -> None:
    for message in ("x" * 1001, "é" * 501, b"x" * 1001, "x" * 200_000):
        ws = opened()
        ws.send(message)
        assert ws.closed_with() == 1009


def test_who_says_too_much_is_ended(opened: Callable[..., WebSocket]) -> None:
    ws = opened()
    with pytest.raises((ConnectionError, AssertionError)):
        for _ in range(200):
            ws.send("again")
            assert ws.text() == "again"
    deaf = opened("/ws/deaf/")
    for _ in range(15):
        deaf.send("unheard")
    assert deaf.closed_with() == 1001


def test_who_says_nothing_is_ended_and_who_speaks_is_not(opened: Callable[..., WebSocket]) -> None:
    silent, talking = opened(), opened()
    started = time.monotonic()
    while time.monotonic() - started < 3:
        talking.send("here")
        assert talking.text() == "here"
        time.sleep(0.5)
    assert silent.closed_with() == 1001


def test_a_right_is_looked_at_again_after_some_time(_database: None, tmp_path: Any) -> None:
    env = granian_process.environment(LIFE="1")
    with granian_process.granian("asgi", f"{SERVED}:application", log=tmp_path / "log", env=env) as running:
        with WebSocket(running.port, EAST, "/ws/echo/") as ws:
            ws.send("alive")
            assert ws.text() == "alive"
            assert ws.closed_with() == 1012


def test_a_handler_that_fails_ends_its_socket_alone(
    server: Granian, opened: Callable[..., WebSocket]
) -> None:
    broken, other, done = opened(), opened(), opened()
    broken.send("break")
    assert broken.closed_with() == 1011
    done.send("end")
    assert done.closed_with() == 1000
    other.send("unharmed")
    assert other.text() == "unharmed"
    assert "socket.failed" in server.said()


def test_one_library_cannot_take_all_sockets_nor_all_take_more_than_there_are(
    server: Granian, opened: Callable[..., WebSocket]
) -> None:
    taken = [opened("/ws/deaf/") for _ in range(20)]
    assert refusal(server, "/ws/deaf/") == (503, "busy")
    taken += [opened("/ws/deaf/", WEST) for _ in range(18)]
    taken += [opened("/ws/deaf/", "localhost") for _ in range(2)]
    assert refusal(server, "/ws/deaf/", WEST) == (503, "busy")
    for ws in taken:
        ws.socket.close()
    eventually(lambda: opened("/ws/deaf/"))


def test_an_address_has_a_number_of_handshakes(_database: None, tmp_path: Any) -> None:
    env = granian_process.environment(HANDSHAKES="3")
    with granian_process.granian("asgi", f"{SERVED}:application", log=tmp_path / "log", env=env) as running:
        for _ in range(3):
            WebSocket(running.port, EAST, "/ws/echo/").socket.close()
        with pytest.raises(Refused) as refused:
            WebSocket(running.port, EAST, "/ws/echo/")
        assert refused.value.status == 429
        assert 1 <= int(refused.value.headers["retry-after"]) <= 10


# -- slow clients and those who leave ---------------------------------------------------------------------------------


def test_who_does_not_read_is_ended_and_holds_up_nobody(
    server: Granian, opened: Callable[..., WebSocket]
) -> None:
    slow = [opened("/ws/pour/") for _ in range(5)]
    before = memory(server)
    started = time.monotonic()
    other = opened(host=WEST)
    for number in range(6):
        other.send(str(number))
        assert other.text() == str(number)
        time.sleep(0.3)
    assert time.monotonic() - started < 5
    assert memory(server) - before < 30 * 2**20
    for ws in slow:
        with pytest.raises((ConnectionError, TimeoutError)):
            ws.socket.settimeout(5)
            while ws.receive()[0] != CLOSE:
                pass
            raise ConnectionError


def test_who_leaves_without_a_word_is_gone(server: Granian, opened: Callable[..., WebSocket]) -> None:
    for _ in range(3):  # more in all than a library may have at once
        for _ in range(10):
            ws = opened("/ws/deaf/")
            ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            ws.socket.close()
    eventually(lambda: [opened("/ws/deaf/") for _ in range(15)])


def test_a_handler_that_only_sends_leaves_room_for_the_news_that_nobody_listens() -> None:
    """A server takes what is sent to a socket that has gone, at once and for ever: nothing else would ever run again."""
    sent = 0

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "websocket.disconnect"}

    async def send(message: Any) -> None:
        nonlocal sent
        sent += 1
        if sent > 10_000:
            raise RuntimeError("it never looked up")

    async def pour(opened: Socket) -> None:
        while True:
            await opened.send("x")

    async def serve() -> None:
        route = SocketRoute("/ws/pour/", lambda request: None, pour)
        await Sockets([route])._serve(Admission(route, HttpRequest(), None), receive, send)

    asyncio.run(serve())
    assert sent < 100


def test_slow_handshakes_hold_up_nobody(server: Granian) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    try:
        for each in slow:
            each.sendall(b"GET /ws/echo/ HTTP/1.1\r\nHost: east.local")
        started = time.monotonic()
        assert_well(server)
        assert time.monotonic() - started < 1
    finally:
        for each in slow:
            each.close()


def test_the_process_ends_with_sockets_open(_database: None, tmp_path: Any) -> None:
    log = tmp_path / "log"
    with granian_process.granian("asgi", f"{SERVED}:application", log=log) as running:
        with WebSocket(running.port, EAST, "/ws/deaf/") as ws, WebSocket(running.port, EAST, "/ws/pour/"):
            assert running.stop() < 5
            # (Granian hangs up; a client that hears no closing frame connects anew all the same)
            with pytest.raises(ConnectionError):
                ws.closed_with()


def test_nothing_is_left_in_the_database(server: Granian) -> None:
    threads = [threading.Thread(target=assert_well, args=[server]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
        assert cursor.fetchall() == []


def eventually(attempt: Callable[[], Any], seconds: float = 5) -> Any:
    """Until it is not refused any more."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except Refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def memory(server: Granian) -> int:
    """Bytes that the process and its children hold of their own."""
    total = 0
    for pid in [server.process.pid, *children(server.process.pid)]:
        with open(f"/proc/{pid}/smaps_rollup") as lines:
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) * 1024
    return total


def children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return [int(each) for each in found.read().split()]
