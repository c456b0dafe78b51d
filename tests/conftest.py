"""What every test may use: a copied database with two libraries, their standard accounts, and API clients.

The template database holds the migrated public schema and four migrated library schemas. It is keyed by the migration
files and the locked versions, made once, and copied for each run (a second, not a minute); the starting rows of the
libraries are then written by the same seeders as in production. Each test runs in a transaction that is rolled back,
but for those that take `committed_library`.
"""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Max
from django.utils import timezone
from psycopg import sql

from saas.settings.cache import redis_database
from tests import database

PROJECT = Path(__file__).resolve().parents[1]


# -- the run ----------------------------------------------------------------------------------------------------------


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A whole run uses all cores; a chosen file or test starts at once, in this process."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return len(os.sched_getaffinity(0)) if whole else 0


def _own_redis_databases() -> None:
    """Each worker clears a Redis database of its own (0 to 3 belong to the demo).

    Up to twelve workers of one run never share one; two runs at once may, because a server has sixteen.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    run = zlib.crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode())
    url = redis_database(settings.REDIS_URL, 4 + (run + worker) % 12)
    settings.CACHES["default"]["LOCATION"] = settings.RATE_LIMIT_REDIS_URL = url


_own_redis_databases()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A whole run leaves the deep tests to CI, so that it stays a matter of minutes; a file or `-m` runs them.

    They take real processes apart or push whole corpora of bad input through the API. CI=1 runs everything.
    """
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    if not whole or config.option.markexpr or config.option.keyword or os.environ.get("CI"):
        return
    deep = [item for item in items if item.get_closest_marker("deep")]
    config.hook.pytest_deselected(items=deep)
    items[:] = [item for item in items if not item.get_closest_marker("deep")]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of collected tests live until the end: the collector need not walk them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


_MISSING_DATA = (
    "no test data",
    "got empty parameter set",
    "no bad input",
    "no MARC files",
    "test data folder is missing",
)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test has failed, but for data that is not there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None:
        return
    skipped = [
        report
        for report in reporter.stats.get("skipped", [])
        if not any(word in str(report.longrepr) for word in _MISSING_DATA)
    ]
    if skipped:
        reporter.write_line(f"CI: {len(skipped)} test(s) were skipped, which counts as failed")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


# -- the database -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Copy the template, making it first where these migrations have none yet; drop the copy at the end."""
    run = f"lh_run_{os.getpid()}"
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        database.copy_template(server, run)
        # Tests lose nothing by a lost commit; the demo and production keep the default.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(run)))
        database.use(run)
        for name in database.SCHEMAS:
            database.fill(name)
    yield
    with django_db_blocker.unblock(), database.maintenance_connection() as server:
        connection.close()
        database.drop(server, run)


# -- libraries ----------------------------------------------------------------------------------------------------------


def _context(name: str) -> Any:
    from saas.core.tenancy import in_public
    from shared_apps.tenants.selectors import find_library_by_subdomain

    with in_public():
        library = find_library_by_subdomain(name)
    assert library is not None
    return library


@pytest.fixture
def north(db: None) -> Any:
    """A library: `LibraryContext` of north.localhost, in a test that is rolled back."""
    return _context("north")


@pytest.fixture
def south(db: None) -> Any:
    """The other library, with equal ids, codes and roles."""
    return _context("south")


@pytest.fixture
def in_north(north: Any) -> Iterator[Any]:
    """The test body runs in north's schema."""
    from saas.core.tenancy import in_library

    with in_library(north):
        yield north


@pytest.fixture
def in_south(south: Any) -> Iterator[Any]:
    """The test body runs in south's schema."""
    from saas.core.tenancy import in_library

    with in_library(south):
        yield south


@pytest.fixture
def committed_library(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """A library for tests that really commit (threads, killed processes); emptied and filled again afterwards."""
    with django_db_blocker.unblock(), _public_records_kept(), _emptied_again("east") as library:
        yield library


@pytest.fixture
def other_committed_library(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """A second one, for tests that commit in two libraries at once."""
    with django_db_blocker.unblock(), _emptied_again("west") as library:
        yield library


@contextmanager
def _public_records_kept() -> Iterator[None]:
    """What is written into the public audit log and outbox meanwhile is taken out again."""
    from saas.core.tenancy import in_public
    from shared_apps.audit.models import AuditEntry
    from shared_apps.delivery.models import OutboxMessage

    with in_public():
        models: tuple[Any, ...] = (AuditEntry, OutboxMessage)
        last = {model: model.objects.aggregate(last=Max("pk"))["last"] or 0 for model in models}
    yield
    with in_public():
        for model, pk in last.items():
            model.objects.filter(pk__gt=pk).delete()


@contextmanager
def _emptied_again(name: str) -> Iterator[Any]:
    library = _context(name)
    yield library
    _empty(library)


_LIBRARY_TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r'
      AND c.relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
"""


def _empty(library: Any) -> None:
    from saas.core.db.owner import owner_connection

    connection.close()
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute(_LIBRARY_TABLES, [library.schema_name])
        tables = sql.SQL(", ").join(
            sql.Identifier(library.schema_name, name) for (name,) in cursor.fetchall()
        )
        cursor.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(tables))
    database.seed(library, timezone.now())


@pytest.fixture
def refresh_libraries() -> Callable[[], None]:
    """Forget hosts after a test changed a library's row."""
    from saas.core.tenancy.hosts import forget_hosts

    return forget_hosts


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Each test starts and ends in the public schema, with an empty cache where it used one.

    One that really commits leaves the four libraries and their places in the registry to those after it.
    """
    from saas.core.tenancy import PUBLIC, current_schema
    from saas.core.tenancy.hosts import forget_hosts
    from tenant_apps.access.machines import forget_meanings

    forget_hosts()
    forget_meanings()
    yield
    assert current_schema() == PUBLIC, "the test left a library's schema selected"
    if {"db", "committed_library", "django_db_setup"} & set(request.fixturenames):
        cache.client.get_client(write=True).flushdb()
    rolled_back = "db" in request.fixturenames or request.node.get_closest_marker("django_db")
    if "django_db_setup" in request.fixturenames and not rolled_back:
        with django_db_blocker.unblock():
            _libraries_are_there()


_REGISTERED = """
    SELECT r.name FROM public.fleet_libraryschema r JOIN public.tenants_library l ON l.schema_name = r.name
    WHERE r.state = 'taken'
"""


def _libraries_are_there() -> None:
    if connection.settings_dict["NAME"] != f"lh_run_{os.getpid()}":
        return  # A database of the module's own.
    with connection.cursor() as cursor:
        cursor.execute(_REGISTERED)
        found = {name for (name,) in cursor.fetchall()}
    assert found >= set(database.SCHEMAS.values()), "the test took a library away from those after it"


# -- clients ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Callable[..., Any]:
    """`api(library, "librarian")`: an API client on the library's host, signed in as its standard account of that role.

    A `User` of the library may be given as well; without one the caller is anonymous.
    """
    return client_for


def client_for(library: Any, user: Any = None) -> Any:
    """The client behind the `api` fixture, for module-level code."""
    from rest_framework.test import APIClient
    from rest_framework_simplejwt.tokens import RefreshToken

    from saas.core.tenancy import in_library
    from shared_apps.accounts.models import User

    client = APIClient(HTTP_HOST=f"{library.subdomain}.localhost")
    if user is not None:
        with in_library(library):
            person = (
                User.objects.get(email=f"{user}@{library.subdomain}.example")
                if isinstance(user, str)
                else user
            )
            # Signed here, with this library's key.
            token = str(RefreshToken.for_user(person).access_token)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def public_api(db: None) -> Callable[..., Any]:
    """`public_api()` is an anonymous client on the public site; `public_api(user)` is signed in there.

    With a second factor, without which staff may do nothing; `public_api(user, factor=False)` leaves them without.
    """

    def make(user: Any = None, *, factor: bool = True) -> Any:
        from rest_framework.test import APIClient
        from rest_framework_simplejwt.tokens import RefreshToken

        from tests.authenticators import app_of

        client = APIClient(HTTP_HOST="localhost")
        if user is not None:
            if factor:
                app_of(user)
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
        return client

    return make


# -- data -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real records and bad input: LIBRARYHUB_TEST_DATA, by default `../shared/data` beside the project."""
    folder = Path(os.environ.get("LIBRARYHUB_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set LIBRARYHUB_TEST_DATA")
    return folder
