"""Data folders of their own for each test: never those of the demo or of the test run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saas import embedded
from saas.embedded import layout, processes
from saas.embedded.layout import MARKER
from saas.embedded.server import State

PROJECT = Path(__file__).resolve().parents[3]
USER = """
import sys, time
from pathlib import Path
from saas.embedded import ensure
servers = ensure(Path(sys.argv[1]))
print(servers.database_url, flush=True)
time.sleep(600)
"""

StartUser = Callable[[Path], "subprocess.Popen[str]"]


def all_down(data_dir: Path) -> bool:
    return all(state is State.DOWN for state in embedded.status(data_dir).states.values())


def running_in(folder: Path, program: str) -> dict[int, str]:
    """What really runs below a data folder, found without the product's own marks."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                cwd, title = os.readlink(entry / "cwd"), (entry / "cmdline").read_text()
            except OSError:
                continue
            name = re.split("[\0 ]", title)[0].rpartition("/")[2]
            if cwd.removesuffix(" (deleted)").startswith(f"{folder}/") and name.startswith(program):
                found[int(entry.name)] = title
    return found


def copy_records(template: Path, folder: Path) -> None:
    subprocess.run(["cp", "-R", template / "pg18", folder / "pg18"], check=True)


@pytest.fixture
def clean_up() -> Iterator[Callable[[Path], Path]]:
    """Note a data folder whose servers end with the test."""
    noted: list[Path] = []
    sockets_elsewhere: list[str] = []

    def note(folder: Path) -> Path:
        noted.append(folder)
        return folder

    yield note
    for folder in noted:
        embedded.release(folder)
        if (folder / MARKER).exists():
            sockets_elsewhere.append(layout.read_choices(folder).get("sockets", ""))
        for pid in {**running_in(folder, "postgres"), **running_in(folder, "redis")}:
            processes.send([pid], signal.SIGKILL)
    for sockets in sockets_elsewhere:
        if "/libraryhub-" in sockets and not sockets.endswith("/run"):
            shutil.rmtree(sockets, ignore_errors=True)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records as a first start leaves them; copying is several times faster than initdb."""
    folder = tmp_path_factory.mktemp("template") / "d"
    embedded.ensure(folder)
    embedded.stop(folder)
    return folder


@pytest.fixture
def data_dir(template: Path, tmp_path: Path, clean_up: Callable[[Path], Path]) -> Path:
    """A data folder that has been used and stopped before."""
    folder = embedded.claim(tmp_path / "data")
    copy_records(template, folder)
    return clean_up(folder)


@pytest.fixture
def used(template: Path) -> Iterator[Path]:
    """The template itself, stopped: for tests that leave whole records. They share it, so they keep to own names."""
    yield template
    embedded.stop(template, force=True)


@pytest.fixture
def short_temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temp folder whose path leaves room for a socket; pytest's own ones may not."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="lh") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        yield Path(folder)


@pytest.fixture
def start_user() -> Iterator[StartUser]:
    """Start another process that uses the servers of a folder; its first line of output is its DATABASE_URL."""
    started: list[subprocess.Popen[str]] = []

    def start(folder: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
