"""LibraryHub in a process of its own: another installation, or one that can be killed."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings

PROJECT = Path(__file__).resolve().parents[4]


def environment(*, database: str | None = None, data: Path) -> dict[str, str]:
    """What a process needs to work on a database of the tests' server (by default the tests' own), with its own files.

    Its media folder is `media_of(data)`.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "saas.settings.test",
        "DATABASE_URL": _url("default", database),
        "DATABASE_OWNER_URL": _url("owner", database),
        "DATA_DIR": str(data),
        "LOG_LEVEL": "ERROR",
    }


def media_of(data: Path) -> Path:
    """The media folder of a process with this DATA_DIR, under the settings of the tests."""
    return data / "tests" / "media"


def _url(alias: str, database: str | None) -> str:
    server = settings.DATABASES[alias]
    login = quote(server["USER"]) + (f":{quote(server['PASSWORD'])}" if server["PASSWORD"] else "")
    name = quote(database or server["NAME"])
    host = {"host": server["HOST"]} if server["HOST"] else {}
    port = f":{server['PORT']}" if server["PORT"] else ""
    return f"postgresql://{login}@{port}/{name}?{urlencode(host)}"
