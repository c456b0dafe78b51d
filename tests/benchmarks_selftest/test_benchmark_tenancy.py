"""The benchmark of a fleet: its rows and verdicts, what is counted, its processes, and what a killed run leaves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests import database
from tests.benchmarks import __main__ as command
from tests.benchmarks.registry import BENCHMARKS, BenchmarkRefused, Options
from tests.benchmarks.results import Row, unmet
from tests.benchmarks.tenancy import process, raw, rows, run, scratch, serving
from tests.benchmarks.tenancy.calls import counted
from tests.benchmarks.tenancy.deploys import Busy, Sampled
from tests.benchmarks.tenancy.growth import Pace
from tests.benchmarks.tenancy.provisioning import Provisioning
from tests.benchmarks.tenancy.serving import Serving, throughput
from tests.benchmarks.tenancy.sizes import FULL, QUICK, size_of

TRACE = """\
2026-11-20 11:29:00.1\tF\t60\tQuery\t "SET ROLE lib_a; SET search_path TO lib_a, extensions"
2026-11-20 11:29:00.1\tB\t8\tCommandComplete\t "SET"
2026-11-20 11:29:00.1\tB\t8\tCommandComplete\t "SET"
2026-11-20 11:29:00.2\tF\t26\tParse\t "" "select $1::int, 'F\tQuery'" 1 21
2026-11-20 11:29:00.2\tF\t9\tExecute\t "" 0
2026-11-20 11:29:00.2\tF\t4\tSync
2026-11-20 11:29:00.3\tB\t11\tCommandComplete\t "SELECT 1"
"""


def figures(**changes: Any) -> rows.Figures:
    rates = {"ours": 800.0, "stock": 400.0, "plain": 1000.0}
    sent = {
        "ours": {"statements": 5.0, "trips": 5.0},
        "stock": {"statements": 9.0, "trips": 9.0},
        "plain": {"statements": 4.0, "trips": 4.0},
    }
    quiet = {"requests": 100, "failed": 0, "failures": [], "slowest": 0.2}
    found: dict[str, Any] = {
        "size": size_of(FULL),
        "provisioning": Provisioning([3.0], [2.0], [0.12], [0.008], [0.1], [0.06]),
        "nothing": Sampled(1.0, 1.2),
        "added": Sampled(1.0, 1.4),
        "busy": Busy(3.0, 2.5, quiet, quiet),
        "serving": Serving({10: rates, FULL: rates}, {10: rates, FULL: rates}, {10: sent, FULL: sent}),
        "memory": {"ours": {0: 2.0, 1: 4.0}, "stock": {0: 2.0, 1: 5.0}},
        "before": Pace(FULL, 0.008, 0.12, 1.1, 2.1),
        "after": Pace(4 * FULL, 0.009, 0.15, 1.2, 5.2),
    }
    return rows.Figures(**{**found, **changes})


def row(made: list[Row], name: str, peer: str = "") -> Row:
    (found,) = [one for one in made if one.name.startswith(name) and peer in (one.peer_name or "")]
    return found


def test_every_target_of_a_fleet_has_a_row_that_judges_it() -> None:
    made = rows.rows_of(figures())
    judged = {(one.name.split(",")[0], str(one.target), one.ratio, one.met) for one in made if one.target}
    assert judged == {
        ("new library by claim", ">= 300", 375.0, True),
        ("new library by replay", ">= 20", 25.0, True),
        ("replay", "<= 1.5", 1.2, True),
        ("no-op deploy", ">= 1000", 1091.82, True),
        ("AddField + AddIndex", ">= 500", 667.14, True),
        ("the same with titles and traffic", "<= 1.3", 1.2, True),
        ("requests failed meanwhile", "<= 0", None, True),
        ("view over HTTP", ">= 0.85", 0.8, False),
        ("view over HTTP", ">= 0.75", 0.8, True),
        ("statements beyond plain Django's 4", "<= 1", None, True),
        ("trips beyond plain Django's 4", "<= 1", None, True),
        ("growth of claim: 4", "<= 1.2", 1.12, True),
        ("growth of replay: 4", "<= 1.2", 1.25, False),
        ("growth of no-op deploy: 4", "<= 1.2", 0.27, True),
        ("growth of AddField + AddIndex: 4", "<= 1.2", 1.0, True),
    }


def test_stock_is_scaled_from_its_sample_and_said_to_be() -> None:
    made = rows.rows_of(figures())
    deploy = row(made, "no-op deploy")
    assert (deploy.ours, deploy.peer) == (1.1, 1201.0)
    assert deploy.peer_name == "stock django-tenants, sampled and scaled"
    told = "\n".join(rows.notes_of(figures(), made, 60.0))
    assert "SAMPLED over 15 libraries and SCALED to 1,000: 1.200 s a library" in told


def test_a_missed_target_is_told_with_its_distance() -> None:
    made = rows.rows_of(figures())
    told = [note for note in rows.notes_of(figures(), made, 60.0) if note.startswith("Missed")]
    assert len(told) == len(unmet(made)) == 2
    assert told[0].endswith("against plain Django: 0.8, target >= 0.85, by 0.05 (6%).")


def test_a_failed_request_misses_its_target_and_is_quoted() -> None:
    bad = {"requests": 100, "failed": 1, "failures": ["OperationalError: gone"], "slowest": 0.2}
    found = figures(busy=Busy(3.0, 2.5, bad, {**bad, "failed": 0}))
    made = rows.rows_of(found)
    assert row(made, "requests failed meanwhile").met is False
    assert "Failed meanwhile: OperationalError: gone" in rows.notes_of(found, made, 60.0)


def test_without_psql_the_replay_is_judged_against_libpq() -> None:
    found = Provisioning([3.0], [2.0], [0.12], [0.008], [], [0.06])
    judged = row(rows.rows_of(figures(provisioning=found)), "replay, times")
    assert (judged.ratio, judged.met) == (2.0, False)


def test_a_small_fleet_says_that_the_targets_are_for_a_large_one() -> None:
    small = figures(size=size_of(QUICK))
    assert any("set for 1,000" in note for note in rows.notes_of(small, [], 1.0))
    assert not any("set for 1,000" in note for note in rows.notes_of(figures(), [], 1.0))


def test_sizes_grow_with_the_fleet() -> None:
    full, quick = size_of(1_000), size_of(50)
    assert (full.grown, full.large, full.titles, full.sample) == (4_000, 20, 20_000, 15)
    assert (quick.grown, quick.few_hosts) == (200, 10)
    assert quick.titles < full.titles
    assert size_of(4).few_hosts == 4


def test_each_statement_of_a_message_counts_and_a_message_is_one_trip() -> None:
    assert counted(TRACE, 1) == {"trips": 2.0, "statements": 3.0}
    assert counted(TRACE, 2) == {"trips": 1.0, "statements": 1.5}


def test_too_few_libraries_are_refused_before_anything_starts() -> None:
    with pytest.raises(BenchmarkRefused, match="at least 4"):
        run.run(Options(quick=False, say=print, libraries=3))


def test_libraries_is_an_option_of_fleets_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.name for one in BENCHMARKS.values() if "libraries" in one.takes] == ["tenancy"]
    with pytest.raises(SystemExit) as ended:
        command.main(["requests", "--libraries", "5"])
    assert ended.value.code == 2
    assert "--libraries means nothing to requests" in capsys.readouterr().err


def test_different_answers_are_refused() -> None:
    def answering(body: str) -> Any:
        return SimpleNamespace(ask=lambda _question, hosts: [body for _ in hosts])

    same = {name: answering("{}") for name in ("ours", "stock", "plain")}
    serving.require_equal_answers(same, ["a"])
    with pytest.raises(BenchmarkRefused, match="stock answers"):
        serving.require_equal_answers({**same, "stock": answering("[]")}, ["a"])


# -- over HTTP --------------------------------------------------------------------------------------------------------


def answers(body: bytes) -> Any:
    """A server that gives each request this answer, on as many connections as come; `port` and `asked`."""
    listening = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve(client: socket.socket) -> None:
        # Who gives up on an error closes with the rest unread.
        with client, contextlib.suppress(ConnectionError):
            while request := client.recv(65_536):
                asked.append(request.split(b"\r\n")[1])
                client.sendall(body)

    def accept() -> None:
        while True:
            try:
                client = listening.accept()[0]
            except OSError:
                return
            threading.Thread(target=serve, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return SimpleNamespace(port=listening.getsockname()[1], asked=asked, close=listening.close)


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_throughput_asks_the_hosts_in_turn_and_reads_every_answer(body: bytes) -> None:
    server = answers(body)
    assert throughput(server, ["a", "b"], 8) > 0
    assert sorted(server.asked) == [b"Host: a"] * 4 + [b"Host: b"] * 4
    server.close()


def test_an_error_is_not_counted_as_throughput() -> None:
    server = answers(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(BenchmarkRefused, match="500 oops"):
        throughput(server, ["a"], 4)
    server.close()


# -- processes --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_contender_answers_and_tells_why_it_cannot(tmp_path: Path) -> None:
    environment = {"BENCHMARK_SCHEMA": "lib_north"}
    with process.contender("plain", "settings_plain", environment, tmp_path) as plain:
        assert plain.ask("raw.script_for", schema="lib_a", script="SELECT 1;").startswith("CREATE SCHEMA")
        with pytest.raises(BenchmarkRefused, match=r"plain: TypeError: .*surprise"):
            plain.ask("raw.script_for", surprise=1)
        assert plain.ask("calls.counted", trace="", requests=1) == {"trips": 0.0, "statements": 0.0}
    assert plain._process.poll() is not None


@pytest.mark.slow
def test_a_contender_that_cannot_start_is_told_with_its_log(tmp_path: Path) -> None:
    with process.contender("broken", "no_such_settings", {}, tmp_path) as broken:
        with pytest.raises(BenchmarkRefused, match=r"broken has ended: [\s\S]*no_such_settings"):
            broken.ask("raw.fresh_name")


# -- the scratch database ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_a_killed_run_left_is_removed_with_its_roles_and_nothing_else(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "DATABASE", f"lh_tenancy_test_{os.getpid()}")
    granted, orphaned, bystander = (f"lib_{os.urandom(10).hex()}" for _ in range(3))
    names = tmp_path / "roles"
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        execute(server, "CREATE DATABASE {}", scratch.DATABASE)
        for role in (granted, orphaned, bystander):
            execute(server, "CREATE ROLE {}", role)
        # (a role of no database is nobody's)
        execute(server, "GRANT CREATE ON DATABASE postgres TO {}", bystander)
        with psycopg.connect(server.info.dsn, dbname=scratch.DATABASE, autocommit=True) as inside:
            execute(inside, "CREATE SCHEMA {0}", granted)
            execute(inside, "GRANT USAGE ON SCHEMA {0} TO {0}", granted)
        # Killed after its database was gone: only the file knows of this one. It cannot name others' roles.
        names.write_text(f"{orphaned}\npostgres\n")

        scratch.remove(server, names)

        left = {name for (name,) in server.execute("SELECT rolname FROM pg_roles").fetchall()}
        assert {granted, orphaned} & left == set()
        assert {bystander, "postgres"} <= left
        assert not names.exists()
        assert (
            server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [scratch.DATABASE]).fetchone()
            is None
        )
        execute(server, "DROP OWNED BY {0}", bystander)
        execute(server, "DROP ROLE {0}", bystander)


def execute(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def test_the_scratch_database_keeps_the_rest_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@/other?host=/run/sockets")
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://boss@/other?host=/run/sockets")
    assert scratch.environment() == {
        "DATABASE_URL": "postgresql://app@/lh_tenancy?host=/run/sockets",
        "DATABASE_OWNER_URL": "postgresql://boss@/lh_tenancy?host=/run/sockets",
    }
    assert scratch.owner_url() == "postgresql://boss@/lh_tenancy?host=/run/sockets"
    monkeypatch.delenv("DATABASE_OWNER_URL")
    assert scratch.owner_url() == "postgresql://app@/lh_tenancy?host=/run/sockets"


def test_the_raw_script_works_in_a_schema_of_its_own() -> None:
    text = raw.script_for("raw_a", "CREATE TABLE t ();")
    assert text.splitlines() == [
        'CREATE SCHEMA "raw_a";',
        'SET LOCAL search_path = "raw_a", extensions;',
        "CREATE TABLE t ();",
    ]


def test_the_added_migration_comes_after_the_products_last() -> None:
    from django.db.migrations.loader import MigrationLoader
    from django.test import override_settings

    with override_settings(MIGRATION_MODULES={"catalog": "tests.benchmarks.tenancy.next_release"}):
        graph = MigrationLoader(None).graph
    assert graph.leaf_nodes("catalog") == [("catalog", "benchmark_0001")]
    assert (
        json.dumps(sorted(name for app, name in graph.nodes if app == "catalog")).count("0001_initial") == 1
    )
