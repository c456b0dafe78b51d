"""What can go wrong before the demo starts is said in one sentence, with exit code 1."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saas.demo import accounts, launch
from tests.granian_process import free_port

pytestmark = pytest.mark.deep

Demo = Callable[..., "subprocess.CompletedProcess[str]"]
PROJECT = Path(__file__).resolve().parents[3]


def run_demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=PROJECT,
        env={**kept, "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def demo(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`demo(*arguments, **environment)` runs the command with a data folder of its own."""
    return functools.partial(run_demo, tmp_path / "own")


def assert_one_sentence(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port(taken_port: int, demo: Demo) -> None:
    assert_one_sentence(demo("--port", str(taken_port)), str(taken_port), "--port")


def test_a_taken_port_for_sockets(taken_port: int, demo: Demo) -> None:
    assert_one_sentence(
        demo("--port", str(free_port()), "--socket-port", str(taken_port)), str(taken_port), "--socket-port"
    )


def test_one_port_cannot_serve_both(demo: Demo) -> None:
    port = str(free_port())
    assert_one_sentence(demo("--port", port, "--socket-port", port), port, "--socket-port")


def test_a_neighbour_is_found_for_sockets_where_none_is_named(
    taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs no sockets need not know that they have a port: a second demo at 8001 starts."""
    monkeypatch.setattr(launch, "port_is_free", lambda port: port > 8002)
    assert launch._choose_socket_port(8000, None) == 8003
    monkeypatch.setattr(launch, "port_is_free", lambda port: False)
    with pytest.raises(SystemExit, match="--socket-port"):
        launch._choose_socket_port(8000, None)
    with pytest.raises(SystemExit, match="--socket-port"):
        launch._choose_socket_port(65535, None)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none(port: str, demo: Demo) -> None:
    result = demo(f"--port={port}")
    assert result.returncode == 2
    assert "not a port" in result.stderr


def test_a_records_file_that_is_not_there(tmp_path: Path, demo: Demo) -> None:
    assert_one_sentence(
        demo("--port", "8999", "--records", str(tmp_path / "none.mrc")), "none.mrc", "cannot be read"
    )


def test_a_database_that_does_not_answer(demo: Demo) -> None:
    urls = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
    assert_one_sentence(demo("--port", "8999", **urls), "DATABASE_URL")


def test_a_database_url_that_is_no_url(demo: Demo) -> None:
    assert_one_sentence(
        demo("--port", "8999", DATABASE_URL="not a url", REDIS_URL="redis://127.0.0.1:1"), "DATABASE_URL"
    )


def test_fresh_never_empties_a_server_of_the_persons_own(demo: Demo) -> None:
    result = demo(
        "--port",
        "8999",
        "--fresh",
        DATABASE_URL="postgresql://127.0.0.1:1/x",
        REDIS_URL="redis://127.0.0.1:1",
    )
    assert_one_sentence(result, "--fresh", "DATABASE_URL")


def test_a_folder_that_cannot_be_made(tmp_path: Path, demo: Demo) -> None:
    (tmp_path / "file").write_text("")
    assert_one_sentence(demo("--port", "8999", DATA_DIR=str(tmp_path / "file" / "data")), str(tmp_path))


def test_help_teaches_without_starting_anything(demo: Demo) -> None:
    result = demo("--help", DATABASE_URL="postgresql://127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1")
    assert result.returncode == 0
    for option in ("--port", "--socket-port", "--records", "--fresh", "--reload", "riverside"):
        assert option in result.stdout


def test_the_card_names_every_address_and_account() -> None:
    card = accounts.card(port=8123, socket_port=8124, seconds=3, staff_secret="JBSWY3DP")
    for word in (
        "http://localhost:8123/",
        "http://riverside.localhost:8123/",
        "http://hillcrest.localhost:8123/",
        "http://localhost:8123/demo/mail/",
        "ws://riverside.localhost:8124/ws/",
        "admin@riverside.example",
        "librarian@hillcrest.example",
        "reader@riverside.example",
        "staff@platform.example",
        "libraryhub-demo",
        "JBSWY3DP",
    ):
        assert word in card
