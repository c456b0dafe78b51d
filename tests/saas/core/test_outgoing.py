"""Addresses that somebody else names: ours are not asked, and whoever answers is bounded."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from saas.core.outgoing import AddressRefused, OutgoingFailed, check_address, fetch

INSIDE = [
    "https://127.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST:8443/",
    "https://north.localhost/",
    "https://127.1/",
    "https://0x7f.0.0.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[ff02::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
]
NO_ADDRESS = [
    "",
    "https://",
    "https:///path",
    "//example.org/",
    "example.org",
    "http://example.org/",
    "http://93.184.216.34/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "javascript:alert(1)",
    "data:text/plain,a",
    "https://user@example.org/",
    "https://user:password@example.org/",
    "https://example.org@127.0.0.1/",
    "https://example.org#@127.0.0.1/",
    "https://example.org/#fragment",
    "https://example.org\\@127.0.0.1/",
    "https://example.org/ x",
    "https://exam\nple.org/",
    "https://example.org/\r\nHost: 127.0.0.1",
    "https://example.org:22/",
    "https://example.org:25/",
    "https://example.org:0/",
    "https://example.org:99999/",
    "https://example.org:abc/",
    "https://[::1",
    "https://exämple.org/",
    "https://\u3002example.org/",
    "https://example.org/" + "a" * 2000,
]


@pytest.fixture(autouse=True)
def world_alone(settings: Any) -> None:
    settings.OUTGOING_PRIVATE_NETWORKS = ()
    settings.OUTGOING_SECONDS = 1.0


@pytest.mark.parametrize("address", INSIDE + NO_ADDRESS)
def test_what_is_inside_or_no_address_is_refused_when_it_is_named_and_when_it_is_asked(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(address)
    with pytest.raises(AddressRefused):
        fetch(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org:8443/a/b?c=d",
        "https://93.184.216.34/",
        "https://[2606:4700::1]/",
    ],
)
def test_what_is_in_the_world_may_be_named(address: str) -> None:
    check_address(address)


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Names have the addresses that the test says."""

    def to(*addresses: str) -> None:
        def found(host: str, port: int, **_more: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return to


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where connections were tried; nobody answers."""
    tried: list[Any] = []

    def create_connection(address: Any, **_more: Any) -> Any:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", create_connection)
    return tried


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"]
)
def test_a_name_of_the_world_that_leads_inside_is_refused(
    resolves: Callable[..., None], connected: list[Any], inside: str
) -> None:
    for addresses in ([inside], ["93.184.216.34", inside], [inside, "93.184.216.34"]):
        resolves(*addresses)
        with pytest.raises(AddressRefused):
            fetch("https://example.org/")
    assert connected == []


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    resolves: Callable[..., None], connected: list[Any]
) -> None:
    """A name that points elsewhere a moment later (DNS rebinding) gains nothing: it is not looked up again."""
    resolves("93.184.216.34")
    with pytest.raises(OutgoingFailed):
        fetch("https://example.org/")
    assert connected == [("93.184.216.34", 443)]


def test_a_name_that_has_no_address_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_args: Any, **_more: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(OutgoingFailed):
        fetch("https://example.org/")


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: go_on.wait(20) and [])
    started = time.monotonic()
    try:
        with pytest.raises(OutgoingFailed):
            fetch("https://example.org/", seconds=0.2)
        assert time.monotonic() - started < 2
    finally:
        go_on.set()


class _Echo(http.server.BaseHTTPRequestHandler):
    seen: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(
            f"{self.path} {self.headers['Host']} {self.headers['Accept-Encoding']} {body.decode()}"
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def echo(settings: Any) -> Iterator[tuple[str, list[str]]]:
    settings.OUTGOING_PRIVATE_NETWORKS = ("127.0.0.0/8",)
    handler = type("Handler", (_Echo,), {"seen": []})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.seen  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_a_network_that_is_named_may_be_asked(echo: tuple[str, list[str]], settings: Any) -> None:
    address, seen = echo
    answer = fetch(f"{address}/a?b=c", method="POST", body=b"hello")
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"x" * 1000)
    assert seen == [f"/a?b=c {address.removeprefix('http://')} identity hello"]
    settings.OUTGOING_PRIVATE_NETWORKS = ("10.0.0.0/8",)
    with pytest.raises(AddressRefused):
        fetch(f"{address}/", method="POST", body=b"")
    assert len(seen) == 1


def test_more_than_the_limit_is_not_read(echo: tuple[str, list[str]]) -> None:
    address, _seen = echo
    assert len(fetch(address, method="POST", body=b"", max_bytes=1000).body) == 1000
    with pytest.raises(OutgoingFailed):
        fetch(address, method="POST", body=b"", max_bytes=999)


def test_http_is_for_this_machine_alone(
    settings: Any, resolves: Callable[..., None], connected: list[Any]
) -> None:
    settings.OUTGOING_PRIVATE_NETWORKS = ("10.0.0.0/8", "127.0.0.0/8")
    for address in ("http://10.0.0.1/", "http://example.org/"):
        with pytest.raises(AddressRefused):
            check_address(address)
    resolves("10.0.0.1")
    with pytest.raises(AddressRefused):
        fetch("http://inside.example/")
    assert connected == []
    check_address("https://10.0.0.1/")


def test_https_proves_the_name(echo: tuple[str, list[str]]) -> None:
    """A server that speaks no TLS, or has no certificate for the name, is no answer."""
    address, seen = echo
    with pytest.raises(OutgoingFailed):
        fetch(address.replace("http://", "https://"), method="POST", body=b"")
    assert seen == []


def test_a_proxy_of_the_environment_is_not_asked(
    echo: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, seen = echo
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fetch(address, method="POST", body=b"")
    assert len(seen) == 1
