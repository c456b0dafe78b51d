"""What both asynchronous peers read from the environment; the key and the numbers are those of the other variants."""

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SECRET_KEY = b"benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz"
REDIS_URL = os.environ["REDIS_URL"]
# As for the others: how long a statement may run and wait for a lock, and how many connections a process keeps.
SERVER_SETTINGS = {"statement_timeout": "30000", "lock_timeout": "10000"}
CONNECTIONS = 4
LIBRARY_SECONDS = 60.0
# (requests, seconds): counted in full, and never reached.
RATE_LIMITS = {"burst": (10_000_000, 60), "library": (10_000_000, 60)}


def database() -> dict[str, Any]:
    """What asyncpg connects with; it does not read the URL of a socket folder (`?host=`) itself."""
    parts = urlsplit(os.environ["DATABASE_OWNER_URL"])
    return {
        "host": dict(parse_qsl(parts.query)).get("host") or parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        "database": unquote(parts.path.lstrip("/")),
        "server_settings": SERVER_SETTINGS,
    }
