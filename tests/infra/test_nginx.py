"""nginx as infra/nginx describes it, before real processes: who gets which request, and what of it reaches them."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import settings

from saas.core.api.problems import PROBLEM_PATH
from saas.core.api.throttling import client_address
from saas.core.errors import error_class
from saas.core.sockets import Limits
from tests import granian_process
from tests.granian_process import PROJECT, Granian, free_port
from tests.websocket_client import Refused, WebSocket

TEMPLATE = PROJECT / "infra" / "nginx" / "libraryhub.conf.template"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin")
AROUND = """\
{user}
pid {folder}/pid;
error_log {folder}/error.log info;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/libraryhub.conf;
}}
"""
HOSTS = [f"library-{number}.example" for number in range(61)]


@dataclass
class Front:
    """nginx, and the processes behind it."""

    port: int
    folder: Path
    web: list[Granian]

    def ask(
        self, method: str, path: str, host: str = HOSTS[0], body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and what the process behind has seen (or nginx's own words)."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            client.request(method, path, body, sent)
            answer = client.getresponse()
            raw = answer.read()
        finally:
            client.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, json.loads(raw) if raw.startswith(b"{") else raw

    def served_by(self, host: str, path: str = "/") -> int:
        """Number of the process that answers this host."""
        status, _, seen = self.ask("GET", path, host)
        assert status == 200, seen
        return int(seen["pid"])


def filled(**values: str) -> str:
    """The template as the image `nginx` fills it: names of the environment alone, in braces."""
    return re.sub(r"\$\{([A-Z_]+)\}", lambda match: values[match[1]], TEMPLATE.read_text())


@contextmanager
def nginx(folder: Path, web: list[int], sockets: list[int], *, tls: str = "") -> Iterator[int]:
    """A running nginx; yields its port. `tls` are the directives that name a certificate."""
    assert NGINX is not None
    port = free_port()
    for name in ("body", "proxy", "cache"):
        (folder / name).mkdir()
    (folder / "libraryhub.conf").write_text(
        filled(
            WEB_SERVERS="".join(f"server 127.0.0.1:{one}; " for one in web),
            SOCKET_SERVERS="".join(f"server 127.0.0.1:{one}; " for one in sockets),
            LISTEN=f"listen 127.0.0.1:{port} {'ssl http2 ' if tls else ''}default_server; {tls}",
            CACHE_DIR=str(folder / "cache"),
            ACCESS_LOG=str(folder / "access.log"),
        )
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr, tested.stderr
    running = subprocess.Popen([*command, "-g", "daemon off;"], process_group=0)
    try:
        wait_for(port)
        yield port
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(10)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


@contextmanager
def processes(folder: Path, number: int) -> Iterator[list[Granian]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                granian_process.granian(
                    "wsgi",
                    "tests.infra.reflecting:application",
                    *["--no-ws", "--blocking-threads", "4"],
                    log=folder / f"web-{one}.log",
                    env=os.environ,
                )
            )
            for one in range(number)
        ]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    folder = tmp_path_factory.mktemp("nginx")
    with processes(folder, 3) as web, nginx(folder, [one.port for one in web], [free_port()]) as port:
        yield Front(port, folder, web)


# -- who answers whom -------------------------------------------------------------------------------------------------


def test_a_library_finds_the_same_process_and_libraries_spread(front: Front) -> None:
    first = {host: front.served_by(host) for host in HOSTS}
    for turn in range(1, 4):  # in another order each time: taking turns would not look like staying
        order = [*HOSTS[turn * 7 :], *HOSTS[: turn * 7]]
        assert {host: front.served_by(host, "/api/v1/me/") for host in order} == first
    shares = Counter(first.values())
    assert len(shares) == 3
    assert min(shares.values()) >= len(HOSTS) / 10, shares


def test_the_name_decides_and_not_how_it_is_written(front: Front) -> None:
    expected = front.served_by(HOSTS[7])
    for written in (HOSTS[7].upper(), f"{HOSTS[7]}:8443", HOSTS[7].title()):
        status, _, seen = front.ask("GET", "/", written)
        assert (status, seen["pid"]) == (200, expected)
        assert seen["headers"]["HOST"] == written


def test_one_that_dies_hands_its_libraries_over_and_no_others_move(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    with processes(tmp_path, 3) as web, nginx(tmp_path, [one.port for one in web], [free_port()]) as port:
        front = Front(port, tmp_path, web)
        before = {host: front.served_by(host) for host in HOSTS}
        web[1].kill()
        after = {host: front.served_by(host) for host in HOSTS}
        gone = set(before.values()) - set(after.values())
        assert len(gone) == 1
        assert {host for host in HOSTS if before[host] != after[host]} == {
            host for host in HOSTS if before[host] in gone
        }
        # A write too: it had reached nobody.
        orphan = next(host for host in HOSTS if before[host] in gone)
        assert front.ask("POST", "/", orphan, b"{}")[0] == 200
        for each in (web[0], web[2]):
            each.kill()
        status, headers, said = front.ask("GET", "/api/v1/me/")
        assert (status, said["code"], headers["retry-after"]) == (503, "service_unavailable", "5")
        assert headers["content-type"] == "application/problem+json"


def test_what_a_process_answers_itself_is_left_as_it_is(front: Front) -> None:
    status, _, seen = front.ask("GET", "/refused/")
    assert (status, seen["path"]) == (503, "/refused/")


# -- what reaches them ------------------------------------------------------------------------------------------------


def test_nothing_that_a_client_says_of_itself_is_believed(front: Front, rf: Any, settings: Any) -> None:
    lies = {
        "X_Forwarded_For": "203.0.113.9, 198.51.100.7",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Port": "1",
        "X_Real_IP": "203.0.113.9",
        "Forwarded": "for=203.0.113.9",
        "Proxy": "http://evil.example",
        "Upgrade": "websocket",
    }
    _, _, seen = front.ask("GET", "/", **lies)
    assert seen["headers"]["X_FORWARDED_FOR"] == "127.0.0.1"
    assert seen["headers"]["X_FORWARDED_PROTO"] == "http"
    assert not {"X_FORWARDED_HOST", "X_FORWARDED_PORT", "X_REAL_IP", "FORWARDED", "PROXY", "UPGRADE"} & set(
        seen["headers"]
    )
    settings.TRUSTED_PROXY_COUNT = 1
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=seen["headers"]["X_FORWARDED_FOR"])
    assert client_address(request) == "127.0.0.1"


def test_a_header_with_an_underscore_is_none(front: Front) -> None:
    """WSGI could not tell it from the one with a hyphen, which nginx writes."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as client:
        client.sendall(
            b"GET / HTTP/1.1\r\nHost: a.example\r\nX_Forwarded_For: 203.0.113.9\r\nConnection: close\r\n\r\n"
        )
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["headers"]["X_FORWARDED_FOR"] == "127.0.0.1"


@pytest.mark.parametrize(("sent", "kept"), [("from-the-client.1", True), ("a b", False), ("x" * 129, False)])
def test_a_request_has_one_id(front: Front, sent: str, kept: bool) -> None:
    _, _, seen = front.ask("GET", "/", X_Request_ID=sent)
    found = seen["headers"]["X_REQUEST_ID"]
    assert (found == sent) is kept
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", found)


def test_the_log_has_the_path_without_its_query(front: Front) -> None:
    front.ask("GET", "/api/v1/signup/verify/?token=secret-of-a-link", X_Request_ID="looked-for")
    deadline = time.monotonic() + 5
    while "looked-for" not in (text := (front.folder / "access.log").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    line = json.loads(next(line for line in text.splitlines() if "looked-for" in line))
    assert (line["path"], line["host"], line["status"]) == ("/api/v1/signup/verify/", HOSTS[0], 200)
    assert "secret-of-a-link" not in text


def test_versions_are_not_told(front: Front) -> None:
    for path in ("/", "/metrics"):
        assert front.ask("GET", path)[1]["server"] == "nginx"


@pytest.mark.parametrize("path", ["/metrics", "/internal/", "/internal/domains/"])
def test_what_is_for_machines_of_ours_is_closed(front: Front, path: str) -> None:
    status, headers, said = front.ask("GET", path, "localhost", Authorization="Bearer token")
    assert (status, said["code"], headers["content-type"]) == (404, "not_found", "application/problem+json")


def test_static_files_come_once(front: Front) -> None:
    name = f"/static/{os.getpid()}-app.css"
    first = [front.ask("GET", name, host)[2]["pid"] for host in HOSTS]
    assert len(set(first)) == 1, "the others were answered from the cache"
    assert len({front.ask("GET", "/api/v1/me/", host)[2]["pid"] for host in HOSTS}) == 3


def test_it_ends_tls_and_says_so(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    own_certificate(tmp_path)
    tls = f"ssl_certificate {tmp_path}/chain.pem; ssl_certificate_key {tmp_path}/key.pem;"
    with processes(tmp_path, 1) as web, nginx(tmp_path, [web[0].port], [free_port()], tls=tls) as port:
        context = ssl.create_default_context(cafile=str(tmp_path / "chain.pem"))
        client = http.client.HTTPSConnection("localhost", port, timeout=20, context=context)
        client.request("GET", "/", headers={"X-Forwarded-Proto": "http"})
        seen = json.loads(client.getresponse().read())
        client.close()
    assert seen["headers"]["X_FORWARDED_PROTO"] == "https"
    assert seen["headers"]["HOST"] == f"localhost:{port}"


def own_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)


# -- size and time ----------------------------------------------------------------------------------------------------


def test_the_sizes_are_those_of_the_settings(front: Front) -> None:
    text = TEMPLATE.read_text()
    small, large = (int(size) * unit for size, unit in sizes(text))
    assert settings.API_MAX_BODY_BYTES < small < settings.API_MAX_BODY_BYTES * 1.1
    assert small > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert settings.IMPORT_MAX_BYTES < large < settings.IMPORT_MAX_BYTES * 1.1
    assert (
        f"proxy_read_timeout 150s; # the application ends a socket that says nothing for {Limits().idle_seconds:.0f}"
        in text
    )
    for length, status in [(settings.API_MAX_BODY_BYTES, 200), (settings.API_MAX_BODY_BYTES * 2, 413)]:
        answered, _, said = front.ask("POST", "/api/v1/titles/", body=b"x" * length)
        assert answered == status
        assert said.get("code") == ("body_too_large" if status == 413 else None)
    for path in ("/api/v1/imports/", "/imports/"):
        assert front.ask("POST", path, body=b"x" * 3_000_000)[2]["length"] == 3_000_000


def sizes(text: str) -> list[tuple[str, int]]:
    units = {"k": 1024, "m": 1024 * 1024}
    return [(size, units[unit]) for size, unit in re.findall(r"client_max_body_size (\d+)([km]);", text)]


def test_a_body_in_chunks_arrives_with_its_length(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["length"] == 5
    assert "TRANSFER_ENCODING" not in seen["headers"]


def test_slow_clients_never_reach_a_process(front: Front) -> None:
    """More of them than all threads of all processes, and with more to say than Granian would wait for."""
    head = f"Host: {HOSTS[0]}\r\n"
    beginnings = [
        f"GET / HTTP/1.1\r\n{head}X-More: ".encode(),
        f"POST / HTTP/1.1\r\n{head}Content-Length: 1000\r\n\r\nhalf".encode(),
        f"POST /imports/ HTTP/1.1\r\n{head}Content-Length: 3000000\r\n\r\nhalf".encode(),
        f"GET /large/ HTTP/1.1\r\n{head}\r\n".encode(),
    ]
    with ExitStack() as stack:
        for beginning, number in zip(beginnings, (20, 20, 20, 5), strict=True):
            for _ in range(number):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", front.port))
                client.sendall(beginning)
        time.sleep(0.5)
        taken = []
        for host in HOSTS[:1] * 10:  # the process that they all wanted
            started = time.monotonic()
            front.served_by(host)
            taken.append(time.monotonic() - started)
        # (one that waited for them would wait the 15 seconds that nginx gives a body)
        assert sorted(taken)[5] < 2, taken
        assert max(taken) < 10, taken


def test_a_large_answer_comes_whole_to_a_slow_client(front: Front) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", front.port))
        client.settimeout(20)
        client.sendall(b"GET /large/ HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        time.sleep(1)
        received = 0
        while part := client.recv(1 << 20):
            received += len(part)
    assert received > 20_000_000


def test_the_links_of_a_page_in_csv_come_through(front: Front) -> None:
    """nginx answers 502 where the headers of an answer do not fit its buffer, which is a page of memory unless told."""
    for length in (10, 2_000, 15_000):
        status, _headers, seen = front.ask("GET", f"/linked/?{'x' * length}")
        assert (status, len(seen["query"])) == (200, length)


def test_it_refuses_in_the_words_of_the_application() -> None:
    found = [json.loads(text) for text in re.findall(r"return \d+ '(\{.*\})';", TEMPLATE.read_text())]
    assert len(found) == 5
    for said in found:
        cls = error_class(said["code"])
        assert cls is not None, said
        assert said["type"] == f"{PROBLEM_PATH}{cls.code}/"
        assert (said["status"], said["title"], said["detail"]) == (
            cls.status,
            str(cls.title),
            str(cls.detail),
        )


# -- sockets ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_sockets(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian's package nginx)")
    folder = tmp_path_factory.mktemp("nginx-sockets")
    with django_db_blocker.unblock(), ExitStack() as stack:
        web = stack.enter_context(processes(folder, 1))
        target = "tests.saas.core.sockets.served:application"
        env = granian_process.environment(TRUSTED_PROXY_COUNT="1")
        sockets = stack.enter_context(granian_process.granian("asgi", target, log=folder / "log", env=env))
        port = stack.enter_context(nginx(folder, [web[0].port], [sockets.port]))
        yield Front(port, folder, web)


def test_a_socket_passes_through_to_its_own_process(with_sockets: Front) -> None:
    port = with_sockets.port
    origin = f"http://east.localhost:{port}"
    with WebSocket(port, f"east.localhost:{port}", "/ws/echo/", Origin=origin) as ws:
        for message in ("where", "x" * 900):
            ws.send(message)
            assert ws.text() == ("lib_east" if message == "where" else message)
        ws.send("x" * 2000)
        assert ws.closed_with() == 1009


def test_refusals_pass_through(with_sockets: Front) -> None:
    port = with_sockets.port
    expected = {
        ("nobody.localhost", "/ws/echo/"): (404, "library_not_found"),
        ("east.localhost", "/ws/none/"): (404, "not_found"),
    }
    for (host, path), answer in expected.items():
        with pytest.raises(Refused) as refused:
            WebSocket(port, host, path)
        assert (refused.value.status, json.loads(refused.value.body)["code"]) == answer
    with pytest.raises(Refused) as refused:
        WebSocket(port, "east.localhost", "/ws/echo/", Origin="http://evil.example")
    assert refused.value.status == 403
    # Elsewhere nobody changes the protocol.
    with pytest.raises(Refused) as refused:
        WebSocket(port, "east.localhost", "/api/v1/me/")
    assert refused.value.status == 200
    assert "UPGRADE" not in json.loads(refused.value.body)["headers"]


def test_one_address_cannot_shake_hands_without_end(with_sockets: Front) -> None:
    statuses: list[int] = []

    def shake() -> None:
        try:
            WebSocket(with_sockets.port, "east.localhost", "/ws/none/")
        except Refused as refused:
            statuses.append(refused.status)

    threads = [threading.Thread(target=shake) for _ in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert set(statuses) == {404, 429}
    assert statuses.count(404) >= 10
