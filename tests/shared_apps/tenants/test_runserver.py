"""The server that watches the code starts, and serves libraries (it is what `manage.py demo --reload` runs)."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.granian_process import PROJECT, environment, free_port

pytestmark = pytest.mark.slow


def test_it_starts_with_the_reloader_and_serves_libraries(django_db_setup: None, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}"],
            cwd=PROJECT,
            env=environment(),
            stdout=written,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        assert answer(process, port, "east.localhost", log) == 200
        assert answer(process, port, "nobody.localhost", log) == 404
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def answer(process: Any, port: int, host: str, log: Path) -> int:
    """Status of a page that asks the database, once the server listens."""
    deadline = time.monotonic() + 60
    while True:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            client.request("GET", "/sign-in/", headers={"Host": host})
            return client.getresponse().status
        except OSError:
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)
        finally:
            client.close()
