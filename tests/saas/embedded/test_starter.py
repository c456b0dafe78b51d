"""The servers start, attach, survive every kind of kill, and stop by themselves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from saas import embedded
from saas.embedded import EmbeddedError, server, starter
from saas.embedded.processes import is_alive, wait_until
from saas.embedded.server import State
from tests.saas.embedded.conftest import StartUser, all_down, running_in

pytestmark = pytest.mark.deep

PATIENCE = 20.0


def query(url: str, sql: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return str(row[0])


def execute(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql)  # type: ignore[arg-type]


def main_pid(folder: Path, program: str) -> int:
    """The process that the others were forked from: started first."""
    return min(running_in(folder, program))


def test_first_start_made_a_utf8_database_and_a_durable_redis(used: Path) -> None:
    servers = embedded.ensure(used)
    assert set(servers.started) == {"PostgreSQL", "Redis"}
    row = query(
        servers.database_url,
        "SELECT concat_ws(' ', current_database(), pg_encoding_to_char(encoding), datctype, datlocprovider, datlocale)"
        " FROM pg_database WHERE datname = current_database()",
    )
    assert row == "libraryhub UTF8 C.UTF-8 b C.UTF-8"
    assert query(servers.database_url, "SELECT lower('ÀÖ') || upper('ß')") == "àöß"
    assert query(servers.database_url, "SHOW fsync") == "on"
    assert query(servers.database_url, "SHOW max_connections") == "200"
    assert query(servers.database_url, "SHOW listen_addresses") == ""
    client = redis.Redis.from_url(servers.redis_url)
    assert client.config_get("port") == {"port": "0"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert servers.redis_socket.stat().st_mode & 0o777 == 0o700
    assert not list(used.glob("pg*.new-*"))


def test_second_start_attaches_to_the_same_processes(used: Path, start_user: StartUser) -> None:
    first = embedded.ensure(used)
    before = main_pid(used, "postgres"), main_pid(used, "redis")
    assert embedded.ensure(used).started == ()
    other = start_user(used)
    assert other.stdout is not None
    assert other.stdout.readline().strip() == first.database_url
    assert (main_pid(used, "postgres"), main_pid(used, "redis")) == before


def test_records_are_there_after_a_stop_and_a_warm_start(used: Path) -> None:
    servers = embedded.ensure(used)
    execute(servers.database_url, "CREATE TABLE stopped AS SELECT 'lent' AS state")
    redis.Redis.from_url(servers.redis_url).set("hold", "first")
    embedded.stop(used)
    assert all_down(used)
    servers = embedded.ensure(used)
    assert set(servers.started) == {"PostgreSQL", "Redis"}
    assert query(servers.database_url, "SELECT state FROM stopped") == "lent"
    assert redis.Redis.from_url(servers.redis_url).get("hold") == b"first"


def test_three_first_starts_at_once_share_one_pair_of_servers(
    tmp_path: Path, clean_up: Callable[[Path], Path], start_user: StartUser
) -> None:
    folder = clean_up(tmp_path / "shared")
    users = [start_user(folder) for _ in range(3)]
    urls = {user.stdout.readline().strip() for user in users if user.stdout}
    assert len(urls) == 1
    assert query(urls.pop(), "SELECT 1") == "1"
    mains = [title for title in running_in(folder, "postgres").values() if "cluster_name=" in title]
    assert len(mains) == 1
    assert len(running_in(folder, "redis-server")) == 1
    assert all(user.poll() is None for user in users)


def test_servers_stop_by_themselves_after_kill_9_of_the_last_user(used: Path, start_user: StartUser) -> None:
    first, second = start_user(used), start_user(used)
    for user in (first, second):
        assert user.stdout is not None
        assert user.stdout.readline()
    first.kill()
    first.wait()
    time.sleep(0.5)
    assert not all_down(used), "the second user still needs them"
    second.kill()
    second.wait()
    began = time.monotonic()
    assert wait_until(lambda: all_down(used), PATIENCE)
    assert wait_until(lambda: not running_in(used, ""), PATIENCE)
    assert time.monotonic() - began < 5.0, "typically 0.3 s; a loaded machine may need more"


def test_kill_9_of_the_postmaster_in_use_loses_nothing_committed(used: Path) -> None:
    servers = embedded.ensure(used)
    execute(servers.database_url, "CREATE TABLE loan AS SELECT 'lent' AS state")
    with psycopg.connect(servers.database_url) as busy:
        busy.execute("UPDATE loan SET state = 'half done'")
        os.kill(main_pid(used, "postgres"), signal.SIGKILL)
        again = embedded.ensure(used)
        assert again.started == ("PostgreSQL",)
        assert query(again.database_url, "SELECT state FROM loan") == "lent"
        busy.close()


def test_backend_busy_with_a_long_query_does_not_delay_the_restart(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_SILENCE_SECONDS", 60.0)
    servers = embedded.ensure(used)
    # a backend in a loop of its own does not notice that its postmaster died
    code = (
        "import psycopg, sys\n"
        "with psycopg.connect(sys.argv[1]) as c:\n"
        "    print('go', flush=True)\n"
        "    c.execute('SELECT count(*) FROM generate_series(1, 1000000000)')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, servers.database_url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        time.sleep(0.2)
        os.kill(main_pid(used, "postgres"), signal.SIGKILL)
        began = time.monotonic()
        assert embedded.ensure(used).started == ("PostgreSQL",)
        assert time.monotonic() - began < 30, "it did not wait for the silence to end"
        assert query(servers.database_url, "SELECT 1") == "1"
        busy.kill()


def test_kill_9_of_redis_loses_nothing_answered(used: Path) -> None:
    servers = embedded.ensure(used)
    redis.Redis.from_url(servers.redis_url).set("task", "queued")
    os.kill(main_pid(used, "redis"), signal.SIGKILL)
    assert embedded.ensure(used).started == ("Redis",)
    assert redis.Redis.from_url(servers.redis_url).get("task") == b"queued"


def test_stale_pid_files_with_a_living_pid_of_a_stranger_do_not_fool_us(used: Path) -> None:
    servers = embedded.ensure(used)
    embedded.stop(used)
    socket = servers.postgres_socket_dir / ".s.PGSQL.5432"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        lines = [
            str(stranger.pid),
            str(servers.postgres_dir),
            "0",
            "5432",
            str(socket.parent),
            "",
            "0 0",
            "ready",
        ]
        for stale in (servers.postgres_dir / "postmaster.pid", Path(f"{socket}.lock")):
            stale.write_text("\n".join(lines) + "\n")
        socket.touch()
        assert set(embedded.ensure(used).started) == {"PostgreSQL", "Redis"}
        assert query(servers.database_url, "SELECT 1") == "1"
        assert stranger.poll() is None, "the stranger was not touched"
        stranger.kill()


def test_start_during_the_stop_of_the_previous_run(used: Path, start_user: StartUser) -> None:
    for _ in range(3):
        user = start_user(used)
        assert user.stdout is not None
        assert user.stdout.readline(), user.communicate()
        user.kill()
        user.wait()
        servers = embedded.ensure(used)
        assert query(servers.database_url, "SELECT 1") == "1"
        embedded.release(used)
    servers = embedded.ensure(used)
    time.sleep(0.7)
    assert query(servers.database_url, "SELECT 1") == "1", "no watcher of an earlier run stopped it"


def test_hung_postmaster_is_replaced(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_SILENCE_SECONDS", 0.3)
    monkeypatch.setattr("saas.embedded.postgres_server._PROBE_SECONDS", 0.2)
    servers = embedded.ensure(used)
    hung = main_pid(used, "postgres")
    os.kill(hung, signal.SIGSTOP)
    assert embedded.ensure(used).started == ("PostgreSQL",)
    assert main_pid(used, "postgres") != hung
    assert query(servers.database_url, "SELECT 1") == "1"


def test_killed_watcher_is_replaced_by_the_next_start(used: Path, start_user: StartUser) -> None:
    user = start_user(used)
    assert user.stdout is not None
    assert user.stdout.readline()
    watchers = watchers_of(used)
    assert len(watchers) == 1
    os.kill(watchers[0], signal.SIGKILL)
    assert wait_until(lambda: not is_alive(watchers[0]), PATIENCE)
    embedded.ensure(used)
    assert wait_until(lambda: len(watchers_of(used)) == 1, PATIENCE)
    embedded.release(used)
    user.kill()
    user.wait()
    assert wait_until(lambda: all_down(used), PATIENCE)


def watchers_of(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[-2:-1] == [str(folder).encode()] and any(
                b"saas.embedded.watcher" in word for word in words
            ):
                found.append(int(entry.name))
    return found


def test_folder_deleted_under_running_servers(data_dir: Path) -> None:
    embedded.ensure(data_dir)
    old = set(running_in(data_dir, ""))
    shutil.rmtree(data_dir)
    servers = embedded.ensure(data_dir)
    assert query(servers.database_url, "SELECT 1") == "1"
    assert wait_until(lambda: not old & set(running_in(data_dir, "")), PATIENCE)
    time.sleep(0.7)
    assert query(servers.database_url, "SELECT 1") == "1"
    embedded.release(data_dir)
    assert wait_until(lambda: all_down(data_dir), PATIENCE), (
        "we were registered, and watched, in the new folder"
    )


def test_folder_deleted_and_not_used_again_leaves_no_process(data_dir: Path, start_user: StartUser) -> None:
    user = start_user(data_dir)
    assert user.stdout is not None
    assert user.stdout.readline()
    assert running_in(data_dir, "redis")
    shutil.rmtree(data_dir)
    user.kill()
    user.wait()
    assert wait_until(lambda: not running_in(data_dir, ""), PATIENCE)


def test_start_killed_half_way_through_initdb_leaves_nothing_half_made(
    tmp_path: Path, clean_up: Callable[[Path], Path], start_user: StartUser
) -> None:
    folder = clean_up(tmp_path / "half")
    user = start_user(folder)
    assert wait_until(lambda: bool(list(folder.glob("pg*.new-*/base"))), PATIENCE)
    user.kill()
    user.wait()
    assert not (folder / "pg18").exists()
    servers = embedded.ensure(folder)
    assert query(servers.database_url, "SELECT 1") == "1"
    assert not list(folder.glob("pg*.new-*"))


def test_status_looks_and_changes_nothing(used: Path, tmp_path: Path) -> None:
    assert not embedded.status(tmp_path / "never").in_use
    assert not (tmp_path / "never").exists()
    assert embedded.status(used).states == {"Redis": State.DOWN, "PostgreSQL": State.DOWN}
    embedded.ensure(used)
    assert embedded.status(used) == embedded.Status({"Redis": State.UP, "PostgreSQL": State.UP}, in_use=True)


def test_only_a_start_chooses_and_notes_where_things_lie(used: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.ensure(used)
    noted = (used / ".libraryhub-data").read_text()
    monkeypatch.setattr("saas.embedded.layout.sockets_dir", lambda *_: pytest.fail("chosen anew"))
    embedded.status(used)
    embedded.stop(used)
    assert (used / ".libraryhub-data").read_text() == noted


def test_stop_refuses_while_another_process_uses_the_servers(
    used: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "_LEAVE_SECONDS", 0.1)
    user = start_user(used)
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    with pytest.raises(EmbeddedError, match="in use by another process"):
        embedded.stop(used)
    assert query(url, "SELECT 1") == "1"
    embedded.stop(used, force=True)
    assert all_down(used)


def test_wipe_refuses_while_another_process_uses_the_records(
    used: Path, start_user: StartUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "_LEAVE_SECONDS", 0.1)
    user = start_user(used)
    assert user.stdout is not None
    url = user.stdout.readline().strip()
    with pytest.raises(EmbeddedError, match="in use by another process"):
        embedded.wipe(used)
    assert query(url, "SELECT 1") == "1"


def test_wipe_deletes_what_we_made_and_what_is_named_and_nothing_else(data_dir: Path) -> None:
    servers = embedded.ensure(data_dir)
    redis.Redis.from_url(servers.redis_url).set("hold", "first")
    for name in ("mail", "keep", "uploads"):
        (data_dir / name).mkdir()
    (data_dir / "state.json").write_text("{}")
    embedded.wipe(data_dir, also=["mail", "state.json", "absent"])
    left = sorted(entry.name for entry in data_dir.iterdir())
    assert left == [".libraryhub-data", "keep", "lock", "log", "uploads"]
    assert all_down(data_dir)


@pytest.mark.parametrize("name", ["../other", "/etc", "..", ""])
def test_wipe_takes_names_not_paths(tmp_path: Path, name: str) -> None:
    folder = embedded.claim(tmp_path / "data")
    (folder / "pg18").mkdir()
    with pytest.raises(ValueError, match="not paths"):
        embedded.wipe(folder, also=[name])
    assert (folder / "pg18").exists()


def test_wipe_of_a_strange_or_absent_folder(tmp_path: Path) -> None:
    embedded.wipe(tmp_path / "absent")
    (tmp_path / "pg18").mkdir()
    with pytest.raises(EmbeddedError, match="not made by LibraryHub"):
        embedded.wipe(tmp_path)
    assert (tmp_path / "pg18").is_dir()
