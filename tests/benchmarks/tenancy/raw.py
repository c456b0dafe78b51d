"""The limits: the same SQL without any of our code around it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from saas.embedded import EmbeddedError, binaries
from tests.benchmarks.registry import BenchmarkRefused
from tests.benchmarks.tenancy import scratch


def script_for(schema: str, script: str) -> str:
    """A file that makes the schema and replays the script in it, for one transaction of its own."""
    name = sql.Identifier(schema).as_string(None)
    return f"CREATE SCHEMA {name};\nSET LOCAL search_path = {name}, extensions;\n{script}\n"


def replay_by_psql(script: str, count: int, folder: Path) -> tuple[list[float], list[str]]:
    """Seconds of `psql -1 -f FILE` for each of `count` new schemas, and their names; nothing without a psql."""
    program = find_psql()
    if program is None:
        return [], []
    taken, names = [], []
    for _ in range(count):
        names.append(fresh_name())
        file = folder / f"{names[-1]}.sql"
        file.write_text(script_for(names[-1], script))
        call = [
            program,
            "-X",
            "-q",
            "-1",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            scratch.owner_url(),
            "-f",
            str(file),
        ]
        started = time.perf_counter()
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        taken.append(time.perf_counter() - started)
        if done.returncode != 0:
            raise BenchmarkRefused(f"psql does not replay the script: {done.stderr[-1_000:]}")
    return taken, names


def replay_by_libpq(script: str, count: int) -> tuple[list[float], list[str]]:
    """The same as one message on an open connection: what the server itself needs."""
    taken, names = [], []
    with scratch.connect() as connection:
        for _ in range(count):
            names.append(fresh_name())
            text = f"BEGIN;\n{script_for(names[-1], script)}COMMIT;"
            started = time.perf_counter()
            run(connection, text)
            taken.append(time.perf_counter() - started)
    return taken, names


def loop(schemas: Sequence[str], statements: str, parallel: int) -> float:
    """Seconds to run the statements in every schema: a transaction for each, on `parallel` connections."""
    failures: list[Exception] = []

    def work(some: Sequence[str]) -> None:
        try:
            with scratch.connect() as connection:
                for schema in some:
                    path = sql.Identifier(schema).as_string(None)
                    run(
                        connection, f"BEGIN; SET LOCAL search_path = {path}, extensions; {statements} COMMIT;"
                    )
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=work, args=[schemas[at::parallel]]) for at in range(parallel)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - started
    if failures:
        raise BenchmarkRefused(f"the raw loop fails: {failures[0]}")
    return taken


def run(connection: psycopg.Connection[Any], text: str) -> None:
    """Send one message of many statements. Raises BenchmarkRefused with what the server says."""
    result = connection.pgconn.exec_(text.encode())
    if result.status not in (psycopg.pq.ExecStatus.COMMAND_OK, psycopg.pq.ExecStatus.TUPLES_OK):
        raise BenchmarkRefused(result.error_message.decode(errors="replace"))


def drop(schemas: Sequence[str]) -> None:
    """Take schemas away again."""
    with scratch.connect() as connection:
        for schema in schemas:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


def fresh_name() -> str:
    """A name for a schema that belongs to no fleet."""
    return f"raw_{uuid.uuid4().hex[:20]}"


def find_psql() -> str | None:
    """The psql beside the embedded server, or that of the system."""
    try:
        beside = binaries.locate().postgres_bin / "psql"
    except EmbeddedError:
        return shutil.which("psql")
    return str(beside) if beside.is_file() else shutil.which("psql")
