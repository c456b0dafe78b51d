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
from django.test import override_settings

from saas.core.db.owner import owner_connection
from saas.core.tenancy import LibraryContext, in_public
from shared_apps.fleet import services as fleet
from shared_apps.fleet.services import arriving
from shared_apps.tenants.models import Library
from shared_apps.tenants.selectors import find_library_by_subdomain
from tests.conftest import _empty as empty_library
from tests.shared_apps.tenants.archive.content import fill_every_corner, forget_public_rows


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """A media folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return Path(settings.MEDIA_ROOT)


@pytest.fixture
def source(
    committed_library: LibraryContext, media: Path, erased_afterwards: None
) -> Iterator[LibraryContext]:
    """The library "east", committed, with rows and files of every kind."""
    fill_every_corner(committed_library, media)
    yield committed_library
    forget_public_rows()


@pytest.fixture
def erased_afterwards(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Libraries that a test has imported are erased after it."""
    with django_db_blocker.unblock():
        with in_public():
            before = set(Library.objects.values_list("pk", flat=True))
        yield
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


def run_library(*args: object) -> Answer:
    """Run `manage.py library ...` in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("library", *map(str, args), stdout=out, stderr=err)
    except CommandError as error:
        return Answer(out.getvalue(), str(error), error.returncode)
    return Answer(out.getvalue(), err.getvalue(), 0)


@pytest.fixture
def library_command() -> Callable[..., Answer]:
    """`library_command("export", "east", file)`: run `manage.py library ...` in this process."""
    return run_library


@pytest.fixture
def archive(source: LibraryContext, tmp_path: Path) -> Path:
    """An archive of `source`."""
    path = tmp_path / "east.tar"
    assert run_library("export", "east", path).code == 0
    return path


@pytest.fixture(scope="session")
def whole_archive(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An archive of the library "east" with rows and files of every kind, made once in a run."""
    folder = tmp_path_factory.mktemp("archive")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=folder / "media"):
        library = find_library_by_subdomain("east")
        assert library is not None
        try:
            fill_every_corner(library, folder / "media")
            assert run_library("export", "east", folder / "east.tar").code == 0
        finally:
            forget_public_rows()
            empty_library(library)
    return folder / "east.tar"


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
