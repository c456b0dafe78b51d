"""Real servers for the hazards: PgBouncer in transaction mode, and an older PostgreSQL that does not report its path.

Both refuse to run as root; as root they run as the account that the embedded PostgreSQL runs as.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from saas.embedded import account

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
OLDER_POSTGRES = Path("/usr/lib/postgresql/15/bin")
POOL_SIZE = 3
_SECONDS_TO_START = 30.0
_PGBOUNCER_INI = """\
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
server_login_retry = 1
"""


@contextmanager
def pgbouncer(server: Mapping[str, Any], logins: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """PgBouncer before `server` (HOST and PORT as Django names them), for logins with their passwords.

    Yields HOST and PORT of the pooler: a loopback port. At the end it has stopped.
    """
    assert PGBOUNCER is not None
    with _folder("lh-pooler-") as folder:
        users = "".join(f'"{name}" "{password}"\n' for name, password in logins.items())
        (folder / "users.txt").write_text(users)
        address = {"HOST": "127.0.0.1", "PORT": str(_free_port())}
        (folder / "pgbouncer.ini").write_text(
            _PGBOUNCER_INI.format(
                host=server["HOST"] or "127.0.0.1",
                port=server["PORT"] or 5432,
                listen=address["PORT"],
                folder=folder,
                pool_size=POOL_SIZE,
            )
        )
        with _running([PGBOUNCER, str(folder / "pgbouncer.ini")], folder, signal.SIGTERM):
            _await(address, "pgbouncer", next(iter(logins)), folder)
            yield address


@contextmanager
def older_postgres() -> Iterator[dict[str, str]]:
    """A fresh PostgreSQL 15 with the superuser `postgres`; yields HOST, PORT, USER and PASSWORD as Django names them."""
    with _folder("lh-pg15-") as folder:
        data = str(folder / "data")
        programs = OLDER_POSTGRES
        made = account.run(
            account.choose(),
            [str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"],
        )
        assert made.returncode == 0, made.stderr
        address = {"HOST": str(folder), "PORT": str(_free_port()), "USER": "postgres", "PASSWORD": ""}
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "port": address["PORT"],
            "fsync": "off",
            "max_connections": "100",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with _running([str(programs / "postgres"), "-D", data, *options], folder, signal.SIGINT):
            _await(address, "postgres", "postgres", folder)
            yield address


@contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    """A folder that the servers' account may write, with a name short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    user = account.choose().user if account.choose().kind == account.NOBODY else None
    if user is not None:
        shutil.chown(folder, *user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: Sequence[str], folder: Path, stop: signal.Signals) -> Iterator[None]:
    """The server, for the time of the block: it ends with it, and with this process if that is killed."""
    who = account.choose()
    user, group = who.user or (None, None)
    # The kernel ends it when we end, however that happens.
    leash = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*who.prefix, *leash, *command],
            cwd="/",
            env=account.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    try:
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)


def _await(address: Mapping[str, str], database: str, user: str, folder: Path) -> None:
    """Return once the server answers; its log is in the message where it does not."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            psycopg.connect(
                host=address["HOST"], port=address["PORT"], dbname=database, user=user, connect_timeout=2
            ).close()
        except psycopg.OperationalError as error:
            # PgBouncer's own console lets in administrators alone: whoever is refused by name has been answered.
            if "not allowed" in str(error):
                return
            if time.monotonic() > deadline:
                raise AssertionError((folder / "log").read_text()[-2000:]) from error
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
