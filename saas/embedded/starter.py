"""Start, attach, stop, wipe: the order of the locks.

`users.lock`: every process that uses the servers holds it shared, as long as it lives. The watcher waits for
it exclusively: the kernel grants that when the last user is gone, also when he was killed.
`start.lock`: held while one process looks and starts; taken after `users.lock`, so nobody holds it when the
watcher stops.
`watcher.lock`: held by the living watcher.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saas.embedded import account, binaries, layout, processes
from saas.embedded.errors import EmbeddedError
from saas.embedded.locks import FileLock
from saas.embedded.postgres_server import PostgresServer
from saas.embedded.redis_server import RedisServer
from saas.embedded.server import Server, State, bring_up, shut_down
from saas.embedded.urls import LOGIN, database_url, redis_url

_PROJECT = Path(__file__).resolve().parents[2]
# Longer than any start or stop of another process may take.
_LOCK_SECONDS = 180.0
# How long a process that just ended may still count as a user.
_LEAVE_SECONDS = 3.0

_guard = threading.Lock()
_registrations: dict[Path, FileLock] = {}


@dataclass(frozen=True)
class Servers:
    """Addresses and places of a running pair.

    `login_url`, `database_url` (of the owner) and `redis_url` are the values for DATABASE_URL, DATABASE_OWNER_URL
    and REDIS_URL.
    """

    login_url: str
    database_url: str
    redis_url: str
    data_dir: Path
    postgres_dir: Path
    postgres_socket_dir: Path
    postgres_programs: Path
    redis_socket: Path
    logs: Path
    started: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """`state` of each server by name, and whether any process is registered as a user."""

    states: dict[str, State]
    in_use: bool


def ensure(data_dir: Path) -> Servers:
    """Start what does not run, attach to what does, and register this process as a user until it ends.

    Cold 0.6 s, warm 0.2 s, attached 0.03 s. Safe to call again, from threads and from several processes at
    once. Raises EmbeddedError with one sentence for a person.
    """
    with _guard:
        folder = layout.claim(data_dir)
        try:
            _register(folder)
            with FileLock(folder / "lock" / "start.lock") as start:
                if not start.acquire(timeout=_LOCK_SECONDS):
                    raise EmbeddedError(
                        f"Another start in {folder} does not come to an end; stop that process first."
                    )
                return _bring_up_all(folder, start)
        except OSError as error:
            raise layout.unusable(folder, error) from error


def release(data_dir: Path) -> None:
    """End the registration of this process early; the servers stop if it was the last user."""
    with _guard:
        held = _registrations.pop(layout.absolute(data_dir), None)
        if held is not None:
            held.close()


def status(data_dir: Path) -> Status:
    """Look without starting, registering or changing anything."""
    folder = layout.absolute(data_dir)
    if not layout.is_ours(folder) or "account" not in layout.read_choices(folder):
        return Status({"Redis": State.DOWN, "PostgreSQL": State.DOWN}, in_use=False)
    with FileLock(folder / "lock" / "users.lock") as users:
        # a stopping watcher holds it alone; users hold it together
        in_use = users.acquire(shared=True) and not users.acquire()
    return Status(
        {server.name: server.probe() for server in _servers_of(folder, binaries.locate())}, in_use=in_use
    )


def stop(data_dir: Path, *, force: bool = False) -> None:
    """Stop both servers. Raises EmbeddedError while other processes use them, unless `force`."""
    folder = layout.absolute(data_dir)
    release(folder)
    if not layout.is_ours(folder):
        return
    with _alone(folder, force=force):
        stop_all(folder, binaries.locate())


def wipe(data_dir: Path, *, also: Sequence[str] = ()) -> None:
    """Stop the servers and delete their records, logs and sockets; the folder, its marker and locks stay.

    `also` names further entries of the data folder to delete. A folder that does not exist is fine.
    Raises EmbeddedError when the folder is not ours, or other processes still use it.
    """
    folder = layout.absolute(data_dir)
    release(folder)
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not layout.is_ours(folder):
        raise EmbeddedError(f"The folder {folder} was not made by LibraryHub, so it is not deleted.")
    if any(Path(name).name != name or name in ("", ".", "..") for name in also):
        raise ValueError("names of entries of the data folder, not paths")
    try:
        with _alone(folder, force=False):
            _delete_records(folder, also)
    except OSError as error:
        raise layout.unusable(folder, error) from error


def stop_all(folder: Path, programs: binaries.Binaries) -> None:
    """Stop both servers; the caller holds `users.lock` exclusively.

    A stubborn one does not keep the other up.
    """
    failures: list[EmbeddedError] = []
    for server in _servers_of(folder, programs):
        try:
            shut_down(server)
        except EmbeddedError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def stop_deleted(folder: Path) -> None:
    """End servers whose folder somebody deleted under them.

    There is nothing left that an orderly stop could save.
    """
    processes.send(processes.find_deleted(folder), signal.SIGKILL)


def _servers_of(folder: Path, programs: binaries.Binaries) -> list[Server]:
    """The servers that an earlier start planned, none if there was none. Chooses, makes and notes nothing."""
    noted = layout.read_choices(folder)
    if "account" not in noted:
        return []
    place = layout.Layout(folder, postgres_home=Path(noted["postgres_home"]), sockets=Path(noted["sockets"]))
    who = account.named(noted["account"])
    return [RedisServer(place, programs), PostgresServer(place, programs, who)]


def _register(folder: Path) -> None:
    held = _registrations.get(folder)
    if held is not None:
        if held.is_current():
            return
        held.close()  # the folder was deleted and made anew since
    lock = FileLock(folder / "lock" / "users.lock")
    # waits here while a watcher stops the servers of the previous run
    if not lock.acquire(shared=True, timeout=_LOCK_SECONDS):
        lock.close()
        raise EmbeddedError(f"The servers in {folder} are being stopped, and that does not come to an end.")
    _registrations[folder] = lock


def _bring_up_all(folder: Path, start: FileLock) -> Servers:
    place, who = _plan(folder)
    programs = binaries.locate()
    _start_watcher(folder)
    postgres = PostgresServer(place, programs, who, start_lock_fd=start.fd)
    redis = RedisServer(place, programs)
    started = [server.name for server in (postgres, redis) if bring_up(server)]
    postgres.make_database()
    return Servers(
        login_url=database_url(place.sockets, user=LOGIN),
        database_url=database_url(place.sockets),
        redis_url=redis_url(place.redis_socket),
        data_dir=folder,
        postgres_dir=postgres.data,
        postgres_socket_dir=place.sockets,
        postgres_programs=programs.postgres_bin,
        redis_socket=place.redis_socket,
        logs=place.logs,
        started=tuple(started),
    )


def _plan(folder: Path) -> tuple[layout.Layout, account.Account]:
    """What earlier starts chose; what they did not is chosen and noted now."""
    noted = layout.read_choices(folder)
    who = account.named(noted["account"]) if "account" in noted else account.choose()
    home = Path(noted["postgres_home"]) if "postgres_home" in noted else _home(folder, who)
    sockets = _sockets(folder, home, who, noted.get("sockets"))
    choices = {"account": who.kind, "postgres_home": str(home), "sockets": str(sockets)}
    if {**noted, **choices} != noted:
        layout.note_choices(folder, choices)
    return layout.Layout(data_dir=folder, postgres_home=home, sockets=sockets), who


def _home(folder: Path, who: account.Account) -> Path:
    place = ["-w", str(folder), "-a", "-x", str(folder)]
    if who.kind == account.SELF or (who.kind == account.NAMESPACE and who.may(place)):
        return folder
    return layout.private_dir(
        account.OUTSIDE / f"libraryhub-{os.geteuid()}-{layout.short_hash(folder)}",
        mode=0o711 if who.kind == account.NOBODY else 0o700,
    )


def _sockets(folder: Path, home: Path, who: account.Account, noted: str | None) -> Path:
    if home == folder:
        return layout.sockets_dir(folder, noted)
    place = home / "run"
    if who.user is None:
        return layout.private_dir(place)
    if not place.exists():
        place.mkdir(mode=0o700)
        os.chown(place, *who.user)
    return place


def _start_watcher(folder: Path) -> None:
    """Start the process that stops the servers after the last user, unless one lives."""
    with FileLock(folder / "lock" / "watcher.lock") as watcher:
        if not watcher.acquire():
            return
    code = (
        f"import sys; sys.path.insert(0, {str(_PROJECT)!r}); from saas.embedded.watcher import main; main()"
    )
    processes.spawn_detached([sys.executable, "-c", code, str(folder)], log=folder / "log" / "watcher.log")


@contextmanager
def _alone(folder: Path, *, force: bool) -> Iterator[None]:
    """Hold `users.lock` exclusively: nobody uses the servers, nobody can begin to."""
    (folder / "lock").mkdir(mode=0o700, exist_ok=True)
    with FileLock(folder / "lock" / "users.lock") as users:
        # the watcher of a run that just ended may hold it for a moment
        if not users.acquire(timeout=0.0 if force else _LEAVE_SECONDS) and not force:
            raise EmbeddedError(
                f"The servers in {folder} are in use by another process; stop that one first."
            )
        yield


def _delete_records(folder: Path, also: Sequence[str]) -> None:
    try:
        noted = layout.read_choices(folder)
    except EmbeddedError:  # a damaged marker: what a new start would choose is then the best guess
        layout.note_choices(folder, {})
        _plan(folder)
        noted = layout.read_choices(folder)
    if "account" in noted:
        stop_all(folder, binaries.locate())
        home = Path(noted["postgres_home"])
        for made in home.glob("pg[0-9]*"):
            shutil.rmtree(made)
        for extra in {Path(noted["sockets"]), home} - {folder}:
            if extra.exists():
                shutil.rmtree(extra)
    for name in ("redis", *also):
        entry = folder / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    for log in (folder / "log").glob("*.log*"):
        log.unlink()
    layout.note_choices(folder, {})
