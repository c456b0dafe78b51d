"""What a measured process says of itself."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATM, _ROLLUP = Path("/proc/self/statm"), Path("/proc/self/smaps_rollup")


def memory() -> dict[str, int | None]:
    """Resident memory in bytes (`rss`), and with what is shared counted to each process in its part (`pss`).

    Where the system does not tell, `rss` is the most that it has been and `pss` is None.
    """
    if not _STATM.is_file():
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {"rss": most if sys.platform == "darwin" else most * 1024, "pss": None}
    return {"rss": int(_STATM.read_text().split()[1]) * resource.getpagesize(), "pss": _proportional()}


def _proportional(rollup: Path = _ROLLUP) -> int | None:
    if not rollup.is_file():
        return None
    for line in rollup.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * 1024
    return None
