"""Becomes another program, one that ends when its supervisor does.

Usage: `python child_start.py SUPERVISOR_PID PROGRAM ARGS...`

A program of its own, because code between fork and exec (`preexec_fn`) may hang where threads run.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1
CANNOT_EXECUTE = 127


def main(argv: Sequence[str]) -> int:
    """Replace this process; returns an exit code only where that cannot be done."""
    supervisor, command = int(argv[0]), list(argv[1:])
    if sys.platform == "linux":
        # SIGTERM and not SIGKILL: the program may have children of its own to end
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it died before the kernel knew that we want to hear of it
        return 1
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and an exec would pass that on
    try:
        os.execvp(command[0], command)  # noqa: S606 (no shell wanted)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
    return CANNOT_EXECUTE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
