"""What `manage.py demo` does before Django's settings are read: its arguments, the servers, the environment."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
import redis

from saas.demo.servers import data_dir, start_where_needed
from saas.demo.supervisor import SupervisorError, end_leftovers, port_is_free
from saas.embedded import EmbeddedError, wipe

DEFAULT_PORT = 8000
# Tells the demo's own processes that the servers are ours to keep alive.
EMBEDDED = "LIBRARYHUB_EMBEDDED"
# And which port was chosen for the sockets.
SOCKET_PORT = "LIBRARYHUB_SOCKET_PORT"
# So many ports after the demo's own are tried for them.
_NEIGHBOURS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `manage.py demo`."""
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port of the demo (default: %(default)s)"
    )
    parser.add_argument(
        "--socket-port", type=_port, help="port of the process for WebSockets (default: the next free one)"
    )
    parser.add_argument(
        "--records", type=Path, metavar="FILE", help="also import this MARC21 file into both libraries"
    )
    parser.add_argument("--fresh", action="store_true", help="throw the demo's data away and begin again")
    parser.add_argument("--reload", action="store_true", help="restart the web server when the code changes")


def _port(raw: str) -> int:
    port = int(raw) if raw.isascii() and raw.isdigit() else 0
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{raw!r} is not a port: choose a number from 1 to 65535")
    return port


def prepare(argv: Sequence[str]) -> None:
    """Check what can be checked, start the servers, and set the environment that the demo's processes inherit.

    Ends the process with one sentence and exit code 1 for a taken port, an unreadable file, servers that do not start.
    """
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options, _ = parser.parse_known_args(argv)
    _check_records(options.records)
    _end_what_a_killed_demo_left()
    if not port_is_free(options.port):
        sys.exit(f"libraryhub: port {options.port} is taken: choose another one with --port.")
    os.environ[SOCKET_PORT] = str(_choose_socket_port(options.port, options.socket_port))
    if options.fresh:
        _start_afresh()
    os.environ[EMBEDDED] = "" if start_where_needed() is None else "1"
    _check_database(os.environ["DATABASE_URL"])
    _check_redis(os.environ["REDIS_URL"])
    os.environ["DEMO"] = "1"
    os.environ["PUBLIC_URL"] = f"http://localhost:{options.port}"
    os.environ["BASE_DOMAINS"] = "localhost"


def chosen_socket_port() -> int:
    """The port that `prepare` has chosen for the sockets."""
    return int(os.environ[SOCKET_PORT])


def _choose_socket_port(port: int, wanted: int | None) -> int:
    """The port that was asked for, or the first free one after the demo's own: nothing but sockets depends on it."""
    if wanted is not None:
        if wanted == port or not port_is_free(wanted):
            sys.exit(f"libraryhub: port {wanted} is taken: choose another one with --socket-port.")
        return wanted
    neighbours = range(port + 1, min(port + _NEIGHBOURS, 65535) + 1)
    found = next((number for number in neighbours if port_is_free(number)), None)
    if found is None:
        sys.exit(f"libraryhub: no port after {port} is free: choose one for sockets with --socket-port.")
    return found


def _check_records(file: Path | None) -> None:
    if file is None:
        return
    try:
        with file.open("rb") as opened:
            opened.read(1)
    except OSError as error:
        sys.exit(f"libraryhub: the records file {file} cannot be read: {error.strerror}.")


def _end_what_a_killed_demo_left() -> None:
    try:
        end_leftovers(data_dir() / "demo")
    except SupervisorError as error:
        sys.exit(f"libraryhub: {error}")


def _start_afresh() -> None:
    if os.environ.get("DATABASE_URL"):
        sys.exit(
            "libraryhub: --fresh throws away the embedded servers' data only; DATABASE_URL names a server of"
            " your own, so empty that database yourself."
        )
    try:
        wipe(data_dir(), also=("media", "demo"))
    except EmbeddedError as error:
        sys.exit(f"libraryhub: {error}")


def _check_database(url: str) -> None:
    try:
        with psycopg.connect(url, connect_timeout=5):
            pass
    except (psycopg.Error, UnicodeError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        sys.exit(f"libraryhub: the database that DATABASE_URL names cannot be used: {reason}")


def _check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        sys.exit(f"libraryhub: the Redis server that REDIS_URL names cannot be used: {error}")
