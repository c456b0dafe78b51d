"""Starts the embedded servers where the environment names none, and tells the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from saas.embedded import EmbeddedError, Servers, provide
from saas.settings.env import PROJECT_ROOT


def data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of the embedded servers' data: DATA_DIR, by default `var` in the project."""
    return Path(environ.get("DATA_DIR") or PROJECT_ROOT / "var").expanduser().resolve()


def start_where_needed() -> Servers | None:
    """Start or join the embedded Postgres and Redis and set DATABASE_URL and REDIS_URL, where either is unset.

    None where both were set. Ends the process with one sentence and exit code 1 where they cannot be started.
    """
    try:
        return provide(data_dir())
    except EmbeddedError as error:
        sys.exit(f"libraryhub: {error}")
