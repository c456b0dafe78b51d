"""File locks of the kernel (`flock`): released by the kernel itself when a process dies, however it dies.

A lock file is never deleted: whoever waits on a deleted file would get a lock that nobody else sees.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_POLL_SECONDS = 0.02


class FileLock:
    """An open lock file; `fd` is closed on exec, so child programs do not inherit the lock by accident."""

    def __init__(self, path: Path) -> None:
        """Open (or make, mode 600) the lock file; raises OSError when the folder is not writable."""
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, *, shared: bool = False) -> None:
        """Block until the lock is ours."""
        fcntl.flock(self.fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def acquire(self, *, shared: bool = False, timeout: float = 0.0) -> bool:
        """Take the lock within `timeout` seconds (0: at once or not at all); False when others keep it."""
        flags = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(self.fd, flags)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_POLL_SECONDS)
            else:
                return True

    def is_current(self) -> bool:
        """Is the file at this path still the one that we hold open (not deleted or replaced)?"""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self.fd))

    def close(self) -> None:
        """Give the lock up; closing twice is harmless."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
