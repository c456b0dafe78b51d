"""The database connection. Requests keep theirs open: opening one costs more than most requests do."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from saas.settings.env import read

ENV = read()


# A query of a request that runs longer than this is a fault; an index of a migration may take its time. `?options=` in
# a URL sets other limits: postgresql://.../libraryhub?options=-c%20statement_timeout%3D0%20-c%20lock_timeout%3D10000
REQUEST_LIMITS = "-c statement_timeout=30000 -c lock_timeout=10000"
OWNER_LIMITS = "-c lock_timeout=10000"
# A server that is gone without a word (its machine, or the way to it) is noticed within a minute, and a request that
# waits for it within half of one. None of it concerns a socket folder.
NOTICE_A_SILENT_END = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def database_from_url(url: str, limits: str = REQUEST_LIMITS) -> dict[str, Any]:
    """Django's description of the server that a `postgresql://` URL names; a socket folder may be given as `?host=`."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "saas.core.db",
        "NAME": unquote(parts.path.lstrip("/")) or "libraryhub",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        # (what bounds a kept connection, and how it is looked at without asking the server: saas.core.db.kept)
        "CONN_MAX_AGE": ENV["DATABASE_CONNECTION_AGE"],
        "LIBRARIES_PER_CONNECTION": ENV["DATABASE_CONNECTION_LIBRARIES"],
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            "connect_timeout": 5,
            **NOTICE_A_SILENT_END,
            **({"options": limits} if limits else {}),
            **query,
        },
    }


_URL = ENV.or_default("DATABASE_URL", "postgresql://postgres@localhost/libraryhub")

DATABASES = {
    # (PgBouncer passes no `options` on: there the login's own limits hold, see docs/guides/database.md)
    "default": database_from_url(_URL, "" if ENV["DATABASE_POOLER"] == "transaction" else REQUEST_LIMITS),
    # The owner of the schemas: migrations and new libraries, never requests (saas.core.db.owner).
    "owner": database_from_url(ENV.or_default("DATABASE_OWNER_URL", _URL), OWNER_LIMITS),
}
LIBRARY_ROLES = ENV["LIBRARY_ROLES"]
DATABASE_POOLER = ENV["DATABASE_POOLER"]

# Rows of a kind that stands earlier are locked before rows of one that stands later, in every transaction that locks
# both (docs/guides/writes.md). saas.core.writes raises where a command does otherwise.
LOCK_ORDER = [
    "accounts.user",
    "catalog.copy",
    "patrons.patron",
    "catalog.title",
]
