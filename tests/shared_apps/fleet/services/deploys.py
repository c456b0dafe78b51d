"""Deploys that never were: synthetic migrations on top of the real ones, and libraries of a scratch database.

A deploy is a package of migrations on disk, as in production: the code under test finds it through MIGRATION_MODULES.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.test import override_settings
from django.utils import timezone
from psycopg import sql

from shared_apps.fleet.models import LibrarySchema
from shared_apps.fleet.services import current_release, make_schema
from shared_apps.fleet.services.applying import Patience, Result, connect
from shared_apps.fleet.services.migrate import FleetReport, Orders, migrate_fleet
from shared_apps.fleet.services.releases import library_migrations
from shared_apps.tenants.models import Library

# Apps that the synthetic migrations belong to; nothing else depends on what they do here.
APPS = ("accounts", "branches", "catalog", "circulation", "patrons", "preferences")
IMPATIENT = Patience(lock_timeout=0.2, retries=1)
_MODULE = """from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
import uuid

{before}

class Migration(migrations.Migration):
    {attributes}
    dependencies = [{dependency!r}]
    operations = [
        {operations}
    ]
"""
_numbers = itertools.count(1)


class Silent:
    """Watches a run and remembers the results in their order."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def begin(self, libraries: int) -> None:
        """So many schemas are behind."""

    def say(self, text: str) -> None:
        """What is being done now."""

    def done(self, result: Result) -> None:
        """One schema is done with."""
        self.results.append(result)


class Fleet:
    """A database of libraries at the release of the real migrations, and deploys on top of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._settings: list[override_settings] = []
        self.package = ""
        self.watcher = Silent()

    # -- deploys ----------------------------------------------------------------------------------------------------

    def deploy(self, *operations: str, app: str = "branches", before: str = "", attributes: str = "") -> str:
        """A deploy with one more migration of the app, made of these operations; its name."""
        package = f"deploy_{uuid.uuid4().hex[:8]}"
        self._copy(package)
        last = max(file.stem for file in (self._folder / package / app).glob("0*.py"))
        name = f"{int(last[:4]) + 1:04}_synthetic_{next(_numbers)}"
        text = _MODULE.format(
            before=before,
            attributes=attributes,
            dependency=(app, last),
            operations=",\n        ".join(operations),
        )
        (self._folder / package / app / f"{name}.py").write_text(text)
        self._use(package)
        return name

    def _copy(self, package: str) -> None:
        for app in APPS:
            source = (
                self._folder / self.package / app
                if self.package
                else Path(apps.get_app_config(app).path) / "migrations"
            )
            shutil.copytree(
                source, self._folder / package / app, ignore=shutil.ignore_patterns("__pycache__")
            )
        (self._folder / package / "__init__.py").touch()

    def _use(self, package: str) -> None:
        self.package = package
        override = override_settings(MIGRATION_MODULES=self.modules)
        override.enable()
        self._settings.append(override)
        library_migrations.cache_clear()

    @property
    def modules(self) -> dict[str, str]:
        """MIGRATION_MODULES of the deploy."""
        return {app: f"{self.package}.{app}" for app in APPS} if self.package else {}

    def undeploy(self) -> None:
        """Back to the real migrations."""
        while self._settings:
            self._settings.pop().disable()
        library_migrations.cache_clear()

    def redeploy(self) -> None:
        """The last deploy again, after `undeploy`."""
        self._use(self.package)

    # -- libraries --------------------------------------------------------------------------------------------------

    def libraries(self, number: int) -> list[str]:
        """So many libraries of the code's release; their schemas. The subdomains are `library-1` and so on."""
        current_release()
        schemas = []
        for _each in range(number):
            schema = make_schema(state="taken", prepared=False)
            subdomain = f"library-{next(_numbers)}"
            Library.objects.create(
                schema_name=schema,
                subdomain=subdomain,
                name=subdomain.title(),
                status="active",
                created_at=timezone.now(),
            )
            schemas.append(schema)
        return schemas

    def spare(self) -> str:
        """A spare of the code's release; its schema."""
        return make_schema(prepared=False)

    def run(self, *, targets: Any = None, **options: Any) -> FleetReport:
        """A fleet run over the libraries alone; it does not wait long for anything."""
        orders = {"patience": IMPATIENT, "public": False, **options}
        self.watcher = Silent()
        return migrate_fleet(Orders(targets=targets, **orders), self.watcher)

    # -- looking ----------------------------------------------------------------------------------------------------

    def release_of(self, schema: str) -> str:
        """Key of the release that the registry says."""
        return LibrarySchema.objects.get(pk=schema).release

    def error_of(self, schema: str) -> str:
        """What the registry says of the last failure."""
        return LibrarySchema.objects.get(pk=schema).error

    def columns(self, schema: str, table: str) -> list[str]:
        """The table's columns in order."""
        query = (
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
            " ORDER BY attnum"
        )
        return [name for (name,) in self.ask(query, [f"{schema}.{table}"])]

    def indexes(self, schema: str, table: str) -> set[str]:
        """Names of the table's valid indexes."""
        query = (
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = %s::regclass AND i.indisvalid"
        )
        return {name for (name,) in self.ask(query, [f"{schema}.{table}"])}

    def recorded(self, schema: str, app: str = "branches") -> list[str]:
        """The app's migrations that the schema has recorded, each as often as it is there."""
        query = sql.SQL("SELECT name FROM {} WHERE app = %s ORDER BY name").format(
            sql.Identifier(schema, "django_migrations")
        )
        return [name for (name,) in self.ask(query, [app])]

    def rows(self, schema: str, table: str) -> list[Any]:
        """All rows of a table, by id."""
        query = sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(schema, table))
        return self.ask(query)

    def ask(self, query: Any, parameters: Any = None) -> list[Any]:
        """Rows of a query of the owner's."""
        with connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def tell(self, schema: str, statement: str) -> None:
        """Run a statement of the owner's in one schema."""
        with connect() as connection:
            connection.execute(f"SET search_path = {schema}, extensions; {statement}")  # type: ignore[arg-type]

    @contextmanager
    def reader(self, schema: str, table: str) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that has read a table, and stays open while the block runs."""
        with connect() as connection, connection.transaction():
            connection.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(schema, table)))
            yield connection


def forget_all() -> list[str]:
    """Take every library and spare out of the registry; their schemas, which go with the database."""
    names = list(LibrarySchema.objects.values_list("name", flat=True))
    Library.objects.all().delete()
    LibrarySchema.objects.all().delete()
    return names


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Make the packages in the folder importable while the block runs."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for module in [name for name in sys.modules if name.startswith("deploy_")]:
            del sys.modules[module]
