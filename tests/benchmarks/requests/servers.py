"""The measured processes: each project in a Granian of its own, with the same settings, on a loopback port."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from saas.demo import child_start
from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests import generator

PROJECT = Path(__file__).resolve().parents[3]
APPLICATION = "tests.benchmarks.requests.application:application"
ASGI_APPLICATION = "tests.benchmarks.requests.asgi_application:application"
START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 60.0, 10.0, 30.0
_LOG_TAIL = 2_000


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of writing the service: its name in the table, its settings module, and how it is served.

    `serves` is `module:name` of its application where that is not plainly the Django project of the settings. An
    asynchronous one has no threads; `needs` are the packages that it cannot do without.
    """

    name: str
    settings: str = ""
    serves: str = ""
    threads: int = 1
    arguments: tuple[str, ...] = ()
    asynchronous: bool = False
    needs: tuple[str, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What its process finds in the environment."""
        return {"DJANGO_SETTINGS_MODULE": self.settings, "BENCHMARK_SERVES": self.serves}

    @property
    def granian(self) -> list[str]:
        """The arguments of its server. One worker: what is compared is a request, not how many processes fit."""
        if self.asynchronous:
            kind, application = ["--interface", "asgi", "--loop", "uvloop"], ASGI_APPLICATION
        else:
            kind, application = ["--interface", "wsgi", "--blocking-threads", str(self.threads)], APPLICATION
        return [*kind, "--workers", "1", "--no-ws", "--log-level", "error", *self.arguments, application]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the body's bytes."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body's value. Raises BenchmarkRefused where it is not JSON: an error page of some server."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BenchmarkRefused(f"answer {self.status} is not JSON: {self.body[:200]!r}") from error


class Server:
    """One running variant, and one connection to it that is kept open."""

    def __init__(self, variant: Variant, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.variant, self._process, self.port, self._log = variant, process, port, log
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        self._wire: socket.socket | None = None
        self.headers: dict[str, str] = {}

    def wait_until_ready(self) -> None:
        """Return once it answers. Raises BenchmarkRefused with the end of its log where it does not."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    pass
                self.ask("memory")
            except OSError:
                self._connection.close()
                time.sleep(0.1)
            else:
                return
        raise BenchmarkRefused(f"{self.variant.name} did not start: {self.log_tail()}")

    def send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """One request on the open connection."""
        self._connection.request(method, path, body=body, headers=self.headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.read())

    def timed(self, method: str, path: str, body: bytes | None = None) -> tuple[float, Answer]:
        """The same, with the milliseconds from sending to the last byte of the answer.

        On a bare socket: what http.client does for a request takes it a sixth of a millisecond, which would be added
        to the times of every variant, and make a fast one look nearer to a slow one than it is. Raises BenchmarkRefused.
        """
        if self._wire is None:
            self._wire = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_SECONDS)
            self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request, wire, received = request_bytes(self.headers, method, path, body), self._wire, b""
        try:
            started = time.perf_counter()
            wire.sendall(request)
            while not generator.is_whole(received):
                part = wire.recv(1 << 18)
                if not part:
                    raise generator.WrongAnswer("the server closed the connection")
                received += part
            taken = (time.perf_counter() - started) * 1000
        except (OSError, generator.WrongAnswer) as error:
            raise BenchmarkRefused(
                f"{self.variant.name}: {error}; its log ends: {self.log_tail()}"
            ) from error
        head, _, content = received.partition(b"\r\n\r\n")
        return taken, Answer(int(head[9:12]), content)

    def ask(self, question: str) -> Any:
        """The answer to one of the questions of `application`: memory, trace/start, trace/stop.

        Raises BenchmarkRefused where it fails.
        """
        self._connection.close()  # it may have rested for longer than the server keeps one open
        answer = self.send("GET", f"/-/{question}/")
        if answer.status != 200:
            raise BenchmarkRefused(f"{self.variant.name} cannot answer {question}: {self.log_tail()}")
        return answer.json()

    def log_tail(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text(errors="replace")[-_LOG_TAIL:].strip() or "it wrote nothing"

    def stop(self) -> None:
        """End it and its worker, for good."""
        self._connection.close()
        if self._wire is not None:
            self._wire.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(STOP_SECONDS)


@contextmanager
def running(
    variants: Sequence[Variant], environment: Mapping[str, str], logs: Path
) -> Iterator[dict[str, Server]]:
    """Start every variant at once and yield them by name when all answer; they are ended in any case."""
    with ExitStack() as stack:
        servers = {}
        for variant in variants:
            server = start(variant, environment, logs / f"{variant.name}.log")
            stack.callback(server.stop)
            servers[variant.name] = server
        for server in servers.values():
            server.wait_until_ready()
        yield servers


def start(variant: Variant, environment: Mapping[str, str], log: Path) -> Server:
    """Start one variant; it ends with this process, however that ends."""
    port = free_port()
    granian = ["-m", "granian", "--host", "127.0.0.1", "--port", str(port), *variant.granian]
    wrapper = [sys.executable, "-I", "-S", child_start.__file__, str(os.getpid())]
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*wrapper, sys.executable, *granian],
            cwd=PROJECT,
            env={**os.environ, **environment, **variant.environment},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Server(variant, process, port, log)


def request_bytes(headers: Mapping[str, str], method: str, path: str, body: bytes | None = None) -> bytes:
    """A request as it goes over the wire."""
    sent = {**headers, "Content-Length": str(len(body))} if body else headers
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
