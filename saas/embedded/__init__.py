"""Embedded Postgres and Redis from PyPI, for the demo and the tests. Imports no Django.

    servers = ensure(Path("var/demo"))   # starts or attaches; registered until this process ends
    export(servers)                      # DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL, for us and our children

The servers stop by themselves about a second after the last registered process has gone.
"""

from __future__ import annotations

import os
from pathlib import Path

from saas.embedded.errors import EmbeddedError
from saas.embedded.layout import claim
from saas.embedded.starter import Servers, Status, ensure, release, status, stop, wipe
from saas.embedded.urls import celery_url

__all__ = [
    "EmbeddedError",
    "Servers",
    "Status",
    "celery_url",
    "claim",
    "ensure",
    "export",
    "provide",
    "release",
    "status",
    "stop",
    "wipe",
]


def export(servers: Servers) -> None:
    """Set DATABASE_URL (and its owner's) and REDIS_URL in os.environ where unset, so that children inherit them."""
    if not os.environ.get("DATABASE_URL"):
        os.environ.update(DATABASE_URL=servers.login_url, DATABASE_OWNER_URL=servers.database_url)
    os.environ.setdefault("REDIS_URL", servers.redis_url)


def provide(data_dir: Path) -> Servers | None:
    """Make sure that DATABASE_URL and REDIS_URL are set: the person's own servers, or embedded ones.

    Returns None when both were set already and nothing had to be started. Call it before settings are read.
    """
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return None
    servers = ensure(data_dir)
    export(servers)
    return servers
