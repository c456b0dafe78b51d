"""A library with something in every corner, and what the whole installation holds."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from saas.core.db.owner import owner_connection
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.fleet import services as fleet
from shared_apps.fleet.services import arriving
from shared_apps.tenants.models import Library
from tests.shared_apps.tenants.archive.content import fill_every_corner, forget_public_rows


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """A media folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return Path(settings.MEDIA_ROOT)


@pytest.fixture
def source(committed_library: LibraryContext, media: Path) -> Iterator[LibraryContext]:
    """The library "east", committed, with rows and files of every kind; what a test has imported is erased after it."""
    with in_public():
        before = set(Library.objects.values_list("pk", flat=True))
    fill_every_corner(committed_library, media)
    yield committed_library
    with in_public():
        arrived = list(Library.objects.exclude(pk__in=before))
    for library in arrived:
        forget(library)
    forget_public_rows()
    connection.close()


def forget(library: Library) -> None:
    """Remove a library without a trace, its id included."""
    fleet.drop_schema(library.schema_name)
    with in_public():
        library.delete()


@dataclass(frozen=True)
class Answer:
    """What the command printed; `code` is its exit code, `json` what it printed with --json."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def library_command() -> Callable[..., Answer]:
    """`library_command("export", "east", file)`: run `manage.py library ...` in this process."""

    def run(*args: object) -> Answer:
        out, err = io.StringIO(), io.StringIO()
        try:
            call_command("library", *map(str, args), stdout=out, stderr=err)
        except CommandError as error:
            return Answer(out.getvalue(), str(error), error.returncode)
        return Answer(out.getvalue(), err.getvalue(), 0)

    return run


@pytest.fixture
def archive(source: LibraryContext, tmp_path: Path, library_command: Callable[..., Answer]) -> Path:
    """An archive of `source`."""
    path = tmp_path / "east.tar"
    assert library_command("export", "east", path).code == 0
    return path


@pytest.fixture
def attempted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the schemas that imports of this test have begun to make."""
    names: list[str] = []
    make = arriving.new_schema_name

    def remembered() -> str:
        names.append(make())
        return names[-1]

    monkeypatch.setattr(arriving, "new_schema_name", remembered)
    return names


@pytest.fixture
def everything(media: Path, attempted: list[str]) -> Callable[[], dict[str, Any]]:
    """What an import could leave behind anywhere: rows of the public schema, schemas, roles, files."""

    def look() -> dict[str, Any]:
        with owner_connection() as wrapper, wrapper.cursor() as cursor:
            found = {name: _rows(cursor, query) for name, query in _LOOKS.items()}
            # Roles belong to the server, on which other runs are at work: ours alone.
            cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) ORDER BY 1", [attempted])
            found["roles"] = list(cursor.fetchall())
        found["files"] = sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())
        return found

    return look


_LOOKS = {
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lib\\_%' ORDER BY 1",
    "tables": "SELECT count(*) FROM pg_class",
    "libraries": "SELECT * FROM tenants_library ORDER BY id",
    "domains": "SELECT * FROM tenants_domain ORDER BY id",
    "registry": "SELECT name, state, release FROM fleet_libraryschema ORDER BY name",
    "audit": "SELECT * FROM audit_auditentry ORDER BY id",
    "outbox": "SELECT * FROM delivery_outboxmessage ORDER BY id",
}


def _rows(cursor: Any, query: str) -> list[Any]:
    cursor.execute(query)
    return list(cursor.fetchall())
