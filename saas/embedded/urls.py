"""Addresses of the servers, in the forms that Django, django-redis and Celery read."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

DATABASE = "libraryhub"
SUPERUSER = "postgres"  # owns what the migrations make
LOGIN = "libraryhub_app"  # of requests and tasks: no rights of its own but those it is given
POSTGRES_PORT = 5432


def database_url(socket_dir: Path, database: str = DATABASE, user: str = SUPERUSER) -> str:
    """`postgresql://` URL over a unix socket; psycopg, libpq and `urlsplit` read the same form.

    The port names the socket's file. It is written out because a PGPORT in the environment would replace it.
    """
    return f"postgresql://{user}@:{POSTGRES_PORT}/{database}?host={socket_dir}"


def redis_url(socket: Path, db: int = 0) -> str:
    """`unix://` URL, the form of redis-py, django-redis and channels."""
    return f"unix://{socket}?db={db}"


def celery_url(redis_url: str, db: int) -> str:
    """The same Redis as `redis_url`, database number `db`, in the form of Celery (kombu).

    `unix:///path?db=0` becomes `redis+socket:///path?virtual_host=<db>`; `redis://` and `rediss://` keep
    their form and get the database number as path. Credentials and other parameters stay. Raises ValueError
    for any other scheme.
    """
    parts = urlsplit(redis_url)
    query = [(key, value) for key, value in parse_qsl(parts.query) if key not in ("db", "virtual_host")]
    if parts.scheme in ("unix", "redis+socket"):
        query.append(("virtual_host", str(db)))
        # urlunsplit writes "scheme:/path" when there is no host, which kombu does not read
        return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}"
    if parts.scheme in ("redis", "rediss"):
        return urlunsplit((parts.scheme, parts.netloc, f"/{db}", urlencode(query), ""))
    raise ValueError(f"not a Redis URL that Celery can use: scheme {parts.scheme!r}")
