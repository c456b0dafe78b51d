"""The demo as a person runs it: one command, the whole path over HTTP, every process killed, nothing lost."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saas.demo import accounts
from saas.demo.books import BOOKS_FILE, book_count
from tests.websocket_client import Refused, WebSocket

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.deep, pytest.mark.xdist_group("demo")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """A running `manage.py demo` with data of its own."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.log = data.parent / "demo.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.seconds = 0.0

    def start(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "demo", "--port", str(self.port)],
                cwd=PROJECT,
                env={**kept, "DATA_DIR": str(self.data)},
                stdout=log,
                stderr=log,
            )
        before = self.log.read_text().count("LibraryHub is ready")
        self.wait_for(lambda: self.log.read_text().count("LibraryHub is ready") > before, 90)
        self.seconds = time.monotonic() - started

    def wait_for(self, condition: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process is None or self.process.poll() is None, self.log.read_text()[-3000:]
            if found := condition():
                return found
            time.sleep(0.1)
        pytest.fail(f"not within {seconds} s; the log ends:\n{self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)
        self.process = None

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=20)
        self.process = None
        return code

    def request(
        self, method: str, host: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON. Python resolves no *.localhost, so the host is sent as a header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Host": f"{host}:{self.port}", "Accept": "application/json", **headers}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(raw) if raw.startswith((b"{", b"[")) else raw.decode()

    def sign_in(self, host: str, email: str, password: str = accounts.PASSWORD) -> str:
        status, answer = self.request(
            "POST", host, "/api/v1/auth/login/", {"email": email, "password": password}
        )
        assert status == 200, answer
        return str(answer["access"])

    def upload(self, host: str, token: str, content: bytes) -> str:
        boundary = uuid.uuid4().hex
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="books.mrc"\r\n'
            f"Content-Type: application/marc\r\n\r\n"
        ).encode()
        body += content + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        status, job = self.request("POST", host, "/api/v1/imports/", body, token, **kind)
        assert status == 202, job
        assert job["state"] == "queued"
        return str(job["id"])

    def finished(self, host: str, token: str, job: str) -> Any:
        status, answer = self.request("GET", host, f"/api/v1/imports/{job}/", token=token)
        return answer if status == 200 and answer["state"] in {"done", "failed"} else None


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo") / "data")
    running.start()
    yield running
    if running.process is not None:
        running.process.terminate()
        running.process.wait(timeout=20)


def pids_of(demo: Demo, *words: str) -> list[int]:
    """Processes of this demo whose command line holds the words; /proc alone, so Linux alone."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"DATA_DIR={demo.data}" in environment and all(word in command for word in words):
            found.append(int(folder.name))
    return found


def test_the_whole_path_over_http(demo: Demo) -> None:
    name = f"town-{uuid.uuid4().hex[:8]}"
    sign_up = {
        "library_name": "Town Library",
        "subdomain": name,
        "admin_name": "Tea Town",
        "admin_email": f"tea@{name}.example",
        "password": "a-long-enough-secret",
        "time_zone": "Europe/Rome",
    }
    status, answer = demo.request("POST", "localhost", "/api/v1/signup/", sign_up)
    assert (status, answer["status"]) == (202, "pending_verification")

    def link() -> str | None:
        _, mails = demo.request("GET", "localhost", "/demo/mail/")
        return next((m["links"][0] for m in mails["results"] if m["to"] == [sign_up["admin_email"]]), None)

    token = demo.wait_for(link, 15).split("token=")[1]
    status, answer = demo.request("POST", "localhost", "/api/v1/signup/verify/", {"token": token})
    assert status == 201
    assert answer["library"]["subdomain"] == name
    assert (
        demo.request("POST", "localhost", "/api/v1/signup/verify/", {"token": token})[1]["code"]
        == "token_used"
    )

    host = f"{name}.localhost"
    access = demo.sign_in(host, sign_up["admin_email"], sign_up["password"])
    first_books = b"".join(BOOKS_FILE.read_bytes().split(b"\x1d")[i] + b"\x1d" for i in range(20))
    job = demo.upload(host, access, first_books + b"this is no record\x1d")
    done = demo.wait_for(lambda: demo.finished(host, access, job), 20)
    assert (done["state"], done["created"], done["rejected"], done["total"]) == ("done", 20, 1, 21)
    _, report = demo.request("GET", host, f"/api/v1/imports/{job}/records/?outcome=rejected", token=access)
    assert [row["number"] for row in report["results"]] == [21]
    second = demo.upload(host, access, first_books + b"this is no record\x1d")
    again = demo.wait_for(lambda: demo.finished(host, access, second), 20)
    assert (again["created"], again["unchanged"], again["rejected"]) == (0, 20, 1)

    _, page = demo.request("GET", host, "/api/v1/titles/?page_size=1", token=access)
    title = page["results"][0]
    _, hits = demo.request("GET", host, "/api/v1/search/?q=" + title["title"].split()[0], token=access)
    assert title["id"] in [hit["id"] for hit in hits["results"]]
    copy = {"title": title["id"], "barcode": "B1", "item_type": "book", "home_branch": "main"}
    assert demo.request("POST", host, "/api/v1/copies/", copy, access)[0] == 201
    patron = {"name": "Pat", "category": "adult", "home_branch": "main", "card_numbers": ["C1"]}
    assert demo.request("POST", host, "/api/v1/patrons/", patron, access)[0] == 201
    checkout = {"copy_barcode": "B1", "card_number": "C1", "branch": "main"}
    status, lent = demo.request("POST", host, "/api/v1/loans/", checkout, access)
    assert status == 201
    # 23:59:59 in Rome is an hour or two earlier in UTC.
    assert lent["loan"]["due_at"][11:] in {"21:59:59Z", "22:59:59Z"}
    status, refused = demo.request("POST", host, "/api/v1/loans/", checkout, access)
    assert (status, refused["code"]) == (409, "copy_on_loan")
    status, returned = demo.request(
        "POST", host, "/api/v1/returns/", {"copy_barcode": "B1", "branch": "main"}, access
    )
    assert (status, returned["action"]) == (201, "shelve")
    # The same token at a neighbour's door.
    assert demo.request("GET", "riverside.localhost", "/api/v1/me/", token=access)[0] == 401


def test_one_process_answers_requests_and_one_of_its_own_sockets(demo: Demo) -> None:
    """Each is Granian's main process and its one worker."""
    assert [len(pids_of(demo, "granian", target)) for target in ("saas.wsgi", "saas.asgi")] == [2, 2]
    said = re.search(r"ws://riverside\.localhost:(\d+)/ws/", demo.log.read_text())
    assert said is not None
    with pytest.raises(Refused) as refused:
        WebSocket(
            int(said[1]), "riverside.localhost", "/ws/", Origin=f"http://riverside.localhost:{demo.port}"
        )
    assert (refused.value.status, json.loads(refused.value.body)["code"]) == (404, "not_found")
    with pytest.raises(Refused) as refused:
        WebSocket(demo.port, "riverside.localhost", "/ws/")
    assert refused.value.status == 404


def test_a_killed_child_comes_back(demo: Demo) -> None:
    for words in (("saas.wsgi",), ("saas.asgi",), ("celery", "worker"), ("celery", "beat")):
        killed = pids_of(demo, *words)
        assert killed, words
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        demo.wait_for(lambda w=words, k=killed: set(pids_of(demo, *w)) - set(k), 15)  # type: ignore[misc]

    def healthy() -> bool:
        try:
            return demo.request("GET", "localhost", "/health/ready/")[0] == 200
        except OSError:
            return False

    demo.wait_for(healthy, 20)


def test_killed_at_once_and_started_again_nothing_answered_is_lost(demo: Demo) -> None:
    host = "riverside.localhost"
    access = demo.sign_in(host, "librarian@riverside.example")
    checkout = {"copy_barcode": "1000021", "card_number": "21000000000002", "branch": "main"}
    status, lent = demo.request("POST", host, "/api/v1/loans/", checkout, access)
    assert status == 201, lent
    changed = BOOKS_FILE.read_bytes().replace(b"Handbook", b"Handb00k")
    job = demo.upload(host, access, changed)
    demo.kill()
    demo.start()
    assert demo.seconds < 15, "a second start reuses what is there"
    access = demo.sign_in(host, "librarian@riverside.example")
    status, loan = demo.request("GET", host, f"/api/v1/loans/{lent['loan']['id']}/", token=access)
    assert (status, loan["returned_at"]) == (200, None)
    done = demo.wait_for(lambda: demo.finished(host, access, job), 60)
    assert done["state"] == "done"
    assert done["total"] == book_count()
    assert done["total"] == done["created"] + done["updated"] + done["unchanged"] + done["rejected"]


def test_the_servers_killed_and_the_demo_started_again(demo: Demo) -> None:
    for words in (("postgres", "-D"), ("redis-server",)):
        for pid in pids_of(demo, *words):
            os.kill(pid, signal.SIGKILL)
    demo.kill()
    demo.start()
    access = demo.sign_in("riverside.localhost", "librarian@riverside.example")
    _, loans = demo.request("GET", "riverside.localhost", "/api/v1/loans/?open=true", token=access)
    assert "1000021" in [loan["copy_barcode"] for loan in loans["results"]]


def test_ctrl_c_ends_all_of_it(demo: Demo) -> None:
    assert demo.stop() == 0
    deadline = time.monotonic() + 10
    while pids_of(demo) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pids_of(demo) == []
