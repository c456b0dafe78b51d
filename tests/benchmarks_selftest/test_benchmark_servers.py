"""The measured processes, and what is read from them."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from tests.benchmarks import machine
from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.requests import servers
from tests.benchmarks.requests.broker import KEY_PREFIX, forget_messages, transport_options
from tests.benchmarks.requests.servers import Variant, free_port, running
from tests.benchmarks.requests.trace import statements_in

BROKEN = Variant("broken", "tests.benchmarks.no_such_settings")
TRACE = """\
2026-11-20 11:29:00.981973\tF\t10\tQuery\t "BEGIN"
2026-11-20 11:29:00.997340\tB\t10\tCommandComplete\t "BEGIN"
2026-11-20 11:29:00.997541\tF\t26\tParse\t "" "select $1::int" 1 21
2026-11-20 11:29:00.997543\tF\t22\tBind\t "" "" 1 1 1 2 '\\x00\\x01' 1 0
2026-11-20 11:29:00.997544\tF\t6\tDescribe\t P ""
2026-11-20 11:29:00.997545\tF\t9\tExecute\t "" 0
2026-11-20 11:29:00.997545\tF\t4\tSync
2026-11-20 11:29:00.998348\tB\t11\tDataRow\t 1 1 '1'
2026-11-20 11:29:01.000030\tF\t24\tQuery\t "select 2, 'a
Query'"
2026-11-20 11:29:01.000131\tB\t5\tReadyForQuery\t T
2026-11-20 11:29:01.000163\tF\t11\tQuery\t "COMMIT"
"""


def test_statements_are_counted_on_the_wire_with_those_of_transactions() -> None:
    found = statements_in(TRACE)
    assert found["statements"] == 4
    assert found["texts"] == ['"BEGIN"', '"" "select $1::int" 1 21', "\"select 2, 'a", '"COMMIT"']


def test_a_prepared_statement_counts_without_its_text() -> None:
    assert statements_in('2026-11-20 11:29:00.1\tF\t9\tExecute\t "" 0\n') == {"statements": 1, "texts": []}


def test_an_empty_trace_has_no_statements() -> None:
    assert statements_in("") == {"statements": 0, "texts": []}


@pytest.mark.slow
def test_a_variant_that_cannot_start_is_told_with_its_log_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "START_SECONDS", 20.0)
    started: list[int] = []
    ordinary = servers.start

    def remembering(variant: Variant, environment: dict[str, str], log: Path) -> servers.Server:
        server = ordinary(variant, environment, log)
        started.append(server._process.pid)
        return server

    monkeypatch.setattr(servers, "start", remembering)
    with pytest.raises(BenchmarkRefused, match=r"broken did not start: [\s\S]*no_such_settings"):
        with running([BROKEN], {}, tmp_path):
            pytest.fail("it cannot be running")
    assert len(started) == 1
    assert wait_until_gone(started[0])


def wait_until_gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_free_port_can_be_listened_on() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))


def test_the_broker_keeps_to_its_own_keys() -> None:
    import redis

    from saas.settings.cache import redis_database

    address = redis_database(os.environ["REDIS_URL"], 3)
    client = redis.Redis.from_url(address)
    client.set("somebody-elses", "1", ex=60)
    client.rpush(f"{KEY_PREFIX}default", "a message")
    assert transport_options()["global_keyprefix"] == KEY_PREFIX
    assert forget_messages(address) >= 1
    assert client.get("somebody-elses") == b"1"
    assert list(client.scan_iter(f"{KEY_PREFIX}*")) == []
    client.delete("somebody-elses")
    client.close()


def test_the_machine_is_described_without_its_name_or_paths() -> None:
    found = machine.describe("18.6")
    assert list(found) == ["cpu", "cores", "memory_gib", "system", "python", "postgres", "load_1m"]
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0
    assert found["postgres"] == "18.6"
    text = " ".join(map(str, found.values()))
    assert socket.gethostname() not in text
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text


def test_the_processors_name_is_read_where_the_system_tells(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: A Processor @ 3.00GHz\nmodel name\t: another\n")
    assert machine.cpu_model(cpuinfo) == "A Processor @ 3.00GHz"
    assert machine.cpu_model(tmp_path / "missing") != ""


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_the_planner_knows_the_tables_of_a_library_though_its_role_may_not_analyse_them() -> None:
    from saas.core.db.owner import owner_connection
    from tests.benchmarks.requests.run import gather_statistics

    def analysed() -> int:
        with owner_connection() as owner, owner.cursor() as cursor:
            cursor.execute(
                "SELECT analyze_count FROM pg_stat_all_tables"
                " WHERE schemaname = 'lib_north' AND relname = 'catalog_title'"
            )
            return int(cursor.fetchone()[0])

    before = analysed()
    gather_statistics()
    assert analysed() == before + 1


def test_memory_is_what_the_system_says_of_this_process(tmp_path: Path) -> None:
    from tests.benchmarks.requests.introspection import _proportional, memory

    found = memory()
    assert found["rss"] > 20 * 2**20
    assert found["pss"] is None or 0 < found["pss"] <= found["rss"] * 1.1
    rollup = tmp_path / "smaps_rollup"
    rollup.write_text("Rss:  9 kB\nPss_Anon:  1 kB\nPss:              2048 kB\n")
    assert _proportional(rollup) == 2 * 2**20
    assert _proportional(tmp_path / "absent") is None
