"""The process that waits for the last user to go, and then stops the servers.

It does nothing but wait in the kernel for an exclusive lock, so it costs no processor time and misses no
`kill -9`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from saas.embedded import binaries, starter
from saas.embedded.locks import FileLock


def watch(folder: Path) -> None:
    """Wait, stop, end. Returns at once when another watcher lives."""
    programs = binaries.locate()  # now: the packages may be gone or newer when the time comes
    locks = folder / "lock"
    # watcher.lock is left first: who registers next, as soon as users.lock is free, must see that it needs a
    # new watcher
    with FileLock(locks / "users.lock") as users, FileLock(locks / "watcher.lock") as mine:
        if not mine.acquire():
            return
        users.wait()
        if users.is_current():
            starter.stop_all(folder, programs)
        else:
            starter.stop_deleted(folder)


def main() -> None:
    """Entry point: the data folder is the only argument."""
    watch(Path(sys.argv[1]))
