"""A library is made whole or not at all, and looks like every other one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection

from saas.core import clock
from saas.core.tenancy import LibraryContext, current_schema, in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from shared_apps.tenants import selectors, services
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Library
from shared_apps.tenants.services import provisioning
from tenant_apps.access.models import Role, RoleAssignment

PROJECT = Path(__file__).resolve().parents[3]


def provision(subdomain: str = "fresh") -> LibraryContext:
    return services.provision_library(
        name="Fresh Library",
        subdomain=subdomain,
        plan="free",
        country="IT",
        language="en",
        time_zone="Europe/Rome",
        admin_email="first@fresh.example",
        admin_name="First Admin",
        admin_password_hash=make_password("correct-horse-battery"),
        now=clock.now(),
    )


def schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lib\\_%'")
        return {name for (name,) in cursor.fetchall()}


def tables(schema: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.slow
@pytest.mark.django_db
def test_a_new_library_is_whole_and_its_first_user_is_its_admin() -> None:
    before = schemas()
    library = provision()
    assert current_schema() == "public"
    assert schemas() - before == {library.schema_name}
    assert tables(library.schema_name) == tables("lib_north")
    with in_library(library):
        admin = User.objects.get()
        assert admin.email == "first@fresh.example"
        assert admin.check_password("correct-horse-battery")
        assert list(RoleAssignment.objects.values_list("user", "role__code", "branch")) == [
            (admin.pk, "admin", None)
        ]
        assert set(Role.objects.values_list("code", flat=True)) == {"admin", "librarian", "reader", "guest"}
    assert AuditEntry.objects.filter(action="library.created", target_id=str(library.id)).count() == 1
    assert OutboxMessage.objects.filter(kind="library.created").count() == 1
    assert selectors.find_library("fresh.localhost") == library


@pytest.mark.django_db
def test_a_taken_subdomain_changes_nothing(north: LibraryContext) -> None:
    before = (schemas(), Library.objects.count(), AuditEntry.objects.count())
    with pytest.raises(SubdomainTaken):
        provision("north")
    assert (schemas(), Library.objects.count(), AuditEntry.objects.count()) == before


@pytest.mark.django_db
def test_a_seeder_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(seed: Any) -> None:
        assert current_schema() == seed.library.schema_name
        raise ZeroDivisionError

    monkeypatch.setattr(provisioning, "seed_library", fail)
    before = (schemas(), Library.objects.count(), OutboxMessage.objects.count())
    with pytest.raises(ZeroDivisionError):
        provision()
    assert current_schema() == "public"
    assert (schemas(), Library.objects.count(), OutboxMessage.objects.count()) == before


KILLED = """
import django
django.setup()
from django.db import connection
from saas.core import seeding
from shared_apps.tenants import services
from saas.core import clock
def hang(seed):
    print("inside", flush=True)
    import time
    time.sleep(60)
services.provisioning.seed_library = hang
services.provision_library(name="K", subdomain="killed", plan="free", country="", language="en", time_zone="UTC",
    admin_email="a@k.example", admin_name="A", admin_password_hash="!", now=clock.now())
"""


@pytest.fixture
def committed_public(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.usefixtures("committed_public")
def test_a_process_killed_in_the_middle_leaves_nothing() -> None:
    before = schemas()
    params = connection.settings_dict
    url = f"postgresql://{params['USER']}:{params['PASSWORD']}@/{params['NAME']}?host={params['HOST'] or 'localhost'}"
    url += f"&port={params['PORT']}" if params["PORT"] else ""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "saas.settings.test"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"inside\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _backends(params["NAME"]) > 1:
        time.sleep(0.05)
    assert schemas() == before
    assert not Library.objects.filter(subdomain="killed").exists()


def _backends(database: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [database])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
class TestSelectors:
    def test_a_subdomain_is_free_taken_or_recently_closed(self, north: LibraryContext) -> None:
        assert selectors.subdomain_state("nobody") == "free"
        assert selectors.subdomain_state("north") == "taken"
        Library.objects.filter(pk=north.id).update(status="closed")
        assert selectors.subdomain_state("north") == "recently_closed"

    def test_they_look_in_public_from_anywhere(self, north: LibraryContext, south: LibraryContext) -> None:
        with in_library(north):
            assert selectors.find_library_by_subdomain("south") == south
            assert selectors.find_library_by_id(south.id) == south
            assert selectors.subdomain_state("south") == "taken"
            assert current_schema() == "lib_north"

    def test_open_libraries_come_in_pages_and_leave_out_the_closed(
        self, north: LibraryContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(selectors, "_BATCH", 2)
        found = {library.subdomain for library in selectors.open_libraries()}
        assert found == {"north", "south", "east", "west"}
        Library.objects.filter(pk=north.id).update(status="suspended")
        assert {library.subdomain for library in selectors.open_libraries()} == found - {"north"}

    def test_migrating_an_up_to_date_schema_does_nothing(self, north: LibraryContext) -> None:
        assert services.migrate_where_needed() is False
        with in_library(north):
            assert services.migrate_where_needed() is False
            assert current_schema() == "lib_north"
