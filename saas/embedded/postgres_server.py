"""The embedded Postgres: made once by initdb, reached over a unix socket alone."""

from __future__ import annotations

import contextlib
import locale
import os
import shutil
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from saas.embedded import account, processes
from saas.embedded.binaries import Binaries, copy_postgres
from saas.embedded.errors import EmbeddedError
from saas.embedded.layout import POSTGRES_SOCKET, Layout, short_hash
from saas.embedded.server import State
from saas.embedded.urls import DATABASE, LOGIN, SUPERUSER, database_url

# fsync stays on: what the demo answered as done must survive a crash of the machine.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "shared_preload_libraries": "",
    # one schema per library: dropping or copying one locks each of its tables
    "max_locks_per_transaction": "256",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "fsync": "on",
}
_PROBE_SECONDS = 2.0
_PROTOCOL_3 = 196608
_CANNOT_CONNECT_NOW = b"C57P03\0"
_NO_SUCH_DATABASE = b"C3D000\0"
_NO_SUCH_ROLE = b"C28000\0"


@dataclass
class PostgresServer:
    """See server.Server. `account` runs it, `programs` is the install folder that this account can read."""

    layout: Layout
    binaries: Binaries
    account: account.Account
    start_lock_fd: int = -1
    name: str = "PostgreSQL"
    stop_signal: signal.Signals = signal.SIGINT  # Postgres' "fast" stop
    orphan_signal: signal.Signals = signal.SIGQUIT

    @property
    def log(self) -> Path:
        return self.layout.logs / "postgres.log"

    @property
    def data(self) -> Path:
        """The folder of the records; another major version of Postgres gets another one."""
        return self.layout.postgres_home / f"pg{self.binaries.postgres_major}"

    @property
    def socket(self) -> Path:
        return self.layout.sockets / POSTGRES_SOCKET

    @property
    def _cluster(self) -> str:
        return f"libraryhub-{short_hash(self.layout.data_dir)}"

    @property
    def _postmaster(self) -> str:
        return f"-c cluster_name={self._cluster} "

    def processes(self) -> dict[int, str]:
        return processes.find(
            self.data, program="postgres", marks=(self._postmaster, f"postgres: {self._cluster}: ")
        )

    def main_pid(self, found: dict[int, str]) -> int | None:
        """The postmaster alone keeps its command line; its backends change their titles."""
        return next((pid for pid, title in found.items() if self._postmaster in title), None)

    def probe(self) -> State:
        answer = _greet(self.socket, DATABASE)
        if answer is None:
            return State.DOWN
        return State.BUSY if _CANNOT_CONNECT_NOW in answer else State.UP

    def spawn(self) -> int:
        self._remove_half_made()
        if not self.data.exists():
            self._initdb()
        if not (self.data / "PG_VERSION").is_file():
            raise self.refusal("PG_VERSION is missing")
        # Nobody runs in this folder (the caller looked), but Postgres would believe the files of a dead one:
        # their number may by now be that of a zombie or of a stranger.
        for stale in (self.data / "postmaster.pid", self.socket, Path(f"{self.socket}.lock")):
            stale.unlink(missing_ok=True)
        settings = {
            **_SETTINGS,
            "unix_socket_directories": str(self.layout.sockets),
            "cluster_name": self._cluster,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        program = str(self._programs() / "bin" / "postgres")
        return processes.spawn_detached(
            [*self.account.prefix, program, "-D", str(self.data), *options],
            log=self.log,
            user=self.account.user,
            env=account.environment(),
        )

    def refusal(self, reason: str) -> EmbeddedError:
        return EmbeddedError(
            f"PostgreSQL does not start from the data folder {self.data} ({reason}); read {self.log},"
            " or start with --fresh to begin with empty records."
        )

    def make_database(self) -> None:
        """Create the product's database and the login of requests where missing. The caller holds the start lock."""
        answer = _greet(self.socket, DATABASE, LOGIN)
        if answer is None or not (_NO_SUCH_DATABASE in answer or _NO_SUCH_ROLE in answer):
            return
        import psycopg  # here, because the watcher and `status` need no driver

        try:
            with psycopg.connect(
                database_url(self.layout.sockets, "postgres"), autocommit=True
            ) as connection:
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchone():
                    connection.execute(f'CREATE ROLE "{LOGIN}" LOGIN NOINHERIT')
                if not connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                ).fetchone():
                    connection.execute(f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
        except psycopg.Error as error:
            raise self.refusal(str(error).strip()) from error

    def _programs(self) -> Path:
        """Our site-packages, or a copy below the Postgres home where the account may not read them."""
        if self.account.kind == account.SELF:
            return self.binaries.postgres
        if self.account.may(["-x", str(self.binaries.postgres_bin / "postgres")]):
            return self.binaries.postgres
        return copy_postgres(self.binaries.postgres, self.layout.postgres_home)

    def _remove_half_made(self) -> None:
        for rest in self.layout.postgres_home.glob("pg*.new-*"):
            shutil.rmtree(rest)

    def _initdb(self) -> None:
        """Make the cluster under another name and rename it: a half-made one is never taken for whole.

        The lock is handed down: if we are killed, nobody starts anything before our orphan has ended.
        """
        making = self.data.with_name(f"{self.data.name}.new-{os.getpid()}")
        making.mkdir(mode=0o700)
        if self.account.user is not None:
            os.chown(making, *self.account.user)
        made = account.run(
            self.account,
            [str(self._programs() / "bin" / "initdb"), "-D", str(making), *_initdb_options()],
            pass_fds=[self.start_lock_fd] if self.start_lock_fd >= 0 else [],
        )
        with self.log.open("a") as log:
            log.write(made.stdout + made.stderr)
        if made.returncode != 0:
            last = (made.stderr or made.stdout).strip().splitlines()
            raise EmbeddedError(
                f"PostgreSQL cannot make its records in {self.data}"
                f" ({next((line for line in last if 'error' in line), last[-1] if last else 'no message')});"
                f" read {self.log}."
            )
        making.rename(self.data)


def _initdb_options() -> list[str]:
    """UTF-8 with Postgres' own collation: sorts the same on every system and survives a new libc."""
    return [
        f"--username={SUPERUSER}",
        "--auth=trust",  # the socket's folder is private
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--lc-ctype={_utf8_ctype()}",
        "--no-instructions",
    ]


def _utf8_ctype() -> str:
    """A UTF-8 LC_CTYPE that this system has (macOS knew no C.UTF-8 for long)."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8"):
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"


def _greet(path: Path, database: str, user: str = SUPERUSER) -> bytes | None:
    """Greet as a client does; b"Z" if it is ready, the body of its error, or None if nobody answers.

    Takes 3 ms, where a client of libpq would take ten times that and hide the state "starting up".
    """
    pairs = ("user", user, "database", database, "application_name", "probe", "")
    words = b"".join(word.encode() + b"\0" for word in pairs)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PROBE_SECONDS)
        try:
            connection.connect(os.fsencode(path))
            connection.sendall(struct.pack("!II", len(words) + 8, _PROTOCOL_3) + words)
            with connection.makefile("rb") as answers:
                verdict = _verdict(answers)
            if verdict == b"Z":
                connection.sendall(b"X\0\0\0\4")
        except OSError:
            return None
    return verdict


def _verdict(answers: BinaryIO) -> bytes | None:
    """Read messages (letter, length, body) up to "ready" or an error; "authenticated" precedes both."""
    while len(head := answers.read(5)) == 5:
        kind, length = struct.unpack("!cI", head)
        body = answers.read(length - 4)
        if kind == b"Z":
            return b"Z"
        if kind == b"E":
            return body
    return None
