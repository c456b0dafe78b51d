"""Command line: `python -m saas.embedded status|run|stop|wipe --data DIR`.

`run` starts both servers, prints their addresses, starts again what dies, and ends with Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from saas.embedded import EmbeddedError, ensure, status, stop, wipe

_DEFAULT = Path("var") / "demo"
_CHECK_SECONDS = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code; 1 with one sentence on stderr when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m saas.embedded", description=__doc__)
    parser.add_argument("command", choices=("status", "run", "stop", "wipe"))
    parser.add_argument("--data", type=Path, default=_DEFAULT, help="data folder (default: %(default)s)")
    parser.add_argument(
        "--force", action="store_true", help="stop even while other processes use the servers"
    )
    options = parser.parse_args(argv)
    try:
        if options.command == "status":
            return show_status(options.data)
        if options.command == "run":
            return keep_running(options.data)
        if options.command == "stop":
            stop(options.data, force=options.force)
        else:
            wipe(options.data)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def show_status(data_dir: Path) -> int:
    """Print the state of both servers; 0 when both are up, else 3 (as `systemctl status` has it)."""
    found = status(data_dir)
    for name, state in found.states.items():
        _say(f"{name:<10} {state.value}")
    _say(f"{'used':<10} {'yes' if found.in_use else 'no'}")
    return 0 if all(state.value == "up" for state in found.states.values()) else 3


def keep_running(data_dir: Path) -> int:
    """Hold the servers up until a signal comes. Raises EmbeddedError when one cannot be started again."""
    # A list and short sleeps, not a threading.Event: a handler runs in this very thread, and would wait for ever for
    # the lock that Event.wait() holds for a moment.
    heard: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda number, _frame: heard.append(number))
    servers = ensure(data_dir)
    _say(f"DATABASE_URL={servers.login_url}\nDATABASE_OWNER_URL={servers.database_url}")
    _say(f"REDIS_URL={servers.redis_url}")
    while not heard:
        for name in ensure(data_dir).started:
            _say(f"{name} had died and was started again")
        time.sleep(_CHECK_SECONDS)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
