"""The process that waits for the last user to go, and then stops the servers.

It does nothing but wait in the kernel for an exclusive lock, so it costs no processor time and misses no `kill -9`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from saas.embedded import starter
from saas.embedded.locks import FileLock


def watch(folder: Path) -> None:
    """Wait, stop, end. Returns at once when another watcher lives."""
    with FileLock(folder / "lock" / "users.lock") as users:
        with FileLock(folder / "lock" / "watcher.lock") as mine:
            if not mine.acquire():
                return
            users.wait()
            if not users.is_current():  # the folder was deleted under us: somebody else's servers may be there now
                return
            starter.stop_all(folder)
        # watcher.lock is free before users.lock: who registers next must see that it needs a new watcher


def main() -> None:
    """Entry point: the data folder is the only argument."""
    watch(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
