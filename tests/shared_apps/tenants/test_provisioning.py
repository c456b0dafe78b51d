"""A library is made whole or not at all, and looks like every other one."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from saas.core import clock, schemas
from saas.core.db.owner import OWNER, SchemaTarget, owner_connection
from saas.core.db.roles import grant_schema, make_role
from saas.core.seeding import LibrarySeed, prepare_library, seed_library
from saas.core.tenancy import LibraryContext, current_schema, in_library
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.services import recorded_together
from shared_apps.delivery.models import OutboxMessage
from shared_apps.fleet.models import LibrarySchema, SchemaState
from shared_apps.fleet.services import drop_schema, make_schema, migrate_schema_ordinarily
from shared_apps.tenants import selectors, services
from shared_apps.tenants.errors import SubdomainTaken
from shared_apps.tenants.models import Library
from shared_apps.tenants.services import provisioning
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import ItemType

PROJECT = Path(__file__).resolve().parents[3]
NOW = clock.now()
PASSWORD_HASH = make_password("correct-horse-battery")
# Making a library from a spare takes no more statements than this, BEGIN and COMMIT included.
STATEMENTS = 15


def provision(subdomain: str = "fresh", language: str = "en") -> LibraryContext:
    return services.provision_library(
        name="Fresh Library",
        subdomain=subdomain,
        plan="free",
        country="IT",
        language=language,
        time_zone="Europe/Rome",
        admin_email="first@fresh.example",
        admin_name="First Admin",
        admin_password_hash=PASSWORD_HASH,
        now=NOW,
    )


def ask(query: Any, *parameters: Any) -> list[Any]:
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def schemas_there() -> set[str]:
    return {name for (name,) in ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'lib\\_%%'")}


def tables(schema: str) -> set[str]:
    return {name for (name,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)}


def rows_of(schema: str) -> dict[str, list[Any]]:
    """Every row of every table, but for when migrations were applied."""
    query = "SELECT to_jsonb(t) - 'applied' FROM {} t ORDER BY t.*::text"
    return {
        table: [json.loads(row) for (row,) in ask(sql.SQL(query).format(sql.Identifier(schema, table)))]
        for table in tables(schema)
    }


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Really commits; libraries and spares that the test made are taken away again."""
    with django_db_blocker.unblock():
        last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        kept = set(LibrarySchema.objects.values_list("name", flat=True))
        yield
        Library.objects.exclude(schema_name__in=kept).delete()
        for name in LibrarySchema.objects.exclude(name__in=kept).values_list("name", flat=True):
            drop_schema(name)
        OutboxMessage.objects.filter(kind="library.created").delete()
        AuditEntry.objects.filter(pk__gt=last).delete()
        connection.close()


# -- one library ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_a_new_library_is_whole_and_its_first_user_is_its_admin() -> None:
    library = provision()
    assert current_schema() == "public"
    assert LibrarySchema.objects.get(pk=library.schema_name).state == SchemaState.TAKEN
    assert tables(library.schema_name) == tables("lib_north")
    with in_library(library):
        admin = User.objects.get()
        assert admin.email == "first@fresh.example"
        assert admin.check_password("correct-horse-battery")
        assert admin.emailaddress_set.get().verified
        assert list(RoleAssignment.objects.values_list("user", "role__code", "branch")) == [
            (admin.pk, "admin", None)
        ]
        assert set(Role.objects.values_list("code", flat=True)) == {"admin", "librarian", "reader", "guest"}
        assert list(Branch.objects.values_list("code", "name", "time_zone")) == [
            ("main", "Main", "Europe/Rome")
        ]
        actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
        assert list(actions) == ["settings.changed", "user.created", "role.assigned"]
        assert AuditEntry.objects.get(action="user.created").personal.values["email"] == admin.email
    assert AuditEntry.objects.filter(action="library.created", target_id=str(library.id)).count() == 1
    assert OutboxMessage.objects.filter(kind="library.created").count() == 1
    assert selectors.find_library("fresh.localhost") == library


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_a_library_is_named_in_its_own_language() -> None:
    with in_library(provision(language="it")):
        assert Role.objects.get(code="admin").name == "Amministratore"
        assert Branch.objects.get().name == "Principale"
        assert ItemType.objects.get(code="book").name == "Libro"


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is woken after the commit: no task runs in the middle of the test."""
    monkeypatch.setattr("shared_apps.delivery.services.waking.broker.send", lambda *_, **__: None)


@pytest.mark.slow
@pytest.mark.usefixtures("committed", "silent_broker")
def test_it_takes_a_handful_of_statements() -> None:
    for _ in range(2):
        make_schema()
    provision("first")
    with CaptureQueriesContext(connection) as queries:
        provision("second")
    assert len(queries) <= STATEMENTS, "\n".join(query["sql"] for query in queries)


@pytest.mark.slow
@pytest.mark.usefixtures("committed", "silent_broker")
def test_a_claimed_library_is_the_migrated_one_fact_by_fact_and_row_by_row() -> None:
    # One of which a claim was rolled back counts on from where that had come to.
    for name in LibrarySchema.objects.filter(state=SchemaState.SPARE).values_list("name", flat=True):
        drop_schema(name)
    make_schema()
    claimed = provision("claimed")
    plain = LibraryContext(
        id=claimed.id,
        schema_name="lib_plain",
        subdomain="plain",
        name=claimed.name,
        status=claimed.status,
        plan=claimed.plan,
        primary_host=claimed.primary_host,
        language=claimed.language,
    )
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        make_role(cursor, "lib_plain")
        cursor.execute("CREATE SCHEMA lib_plain")
        grant_schema(cursor, "lib_plain")
        try:
            migrate_schema_ordinarily(wrapper, "lib_plain")
            wrapper.set_tenant(SchemaTarget("lib_plain"))
            prepare_library(OWNER)
            with in_library(plain), recorded_together():
                seed_library(
                    LibrarySeed(
                        plain,
                        "first@fresh.example",
                        "First Admin",
                        PASSWORD_HASH,
                        "en",
                        "IT",
                        "Europe/Rome",
                        NOW,
                    )
                )
            expected, found = (
                schemas.read_facts(cursor, name) for name in ("lib_plain", claimed.schema_name)
            )
            assert schemas.differences(expected, found) == []
            expected_rows, found_rows = rows_of("lib_plain"), rows_of(claimed.schema_name)
            for table, rows in expected_rows.items():
                assert found_rows[table] == rows, table
            assert found_rows.keys() == expected_rows.keys()
        finally:
            drop_schema("lib_plain")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def standing() -> tuple[Any, ...]:
    """Libraries, what was said of them, and whose schemas are whose."""
    return (
        set(Library.objects.values_list("subdomain", "schema_name")),
        AuditEntry.objects.count(),
        OutboxMessage.objects.count(),
        set(LibrarySchema.objects.filter(state=SchemaState.TAKEN).values_list("name", flat=True)),
    )


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_a_taken_subdomain_changes_nothing(north: LibraryContext) -> None:
    before = standing()
    with pytest.raises(SubdomainTaken):
        provision("north")
    assert standing() == before
    provision("free")
    assert standing() != before


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_a_seeder_that_fails_leaves_a_spare(monkeypatch: pytest.MonkeyPatch) -> None:
    claimed: list[str] = []

    def fail(seed: Any) -> None:
        assert current_schema() == seed.library.schema_name
        claimed.append(current_schema())
        raise ZeroDivisionError

    before = standing()
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(provisioning, "seed_library", fail)
        provision()
    assert current_schema() == "public"
    assert standing() == before
    assert LibrarySchema.objects.get(pk=claimed[0]).state == SchemaState.SPARE
    with in_library(provision()):
        assert User.objects.count() == 1


# -- kill -9 ----------------------------------------------------------------------------------------------------------

# Waits for lines "NUMBER MODE DELAY"; makes a library in a fork, which kills itself around its statement NUMBER: before
# it, DELAY seconds after it was sent, or after its answer. It answers with the number of statements that began.
FORKING = """
import os, signal, sys, threading
import django
django.setup()
import psycopg
from django.db import connection
from shared_apps.delivery.services.waking import broker
from tests.shared_apps.tenants.test_provisioning import provision

def make(number, mode, delay, subdomain):
    begun = 0
    send = psycopg.Cursor.execute
    def die():
        os.kill(os.getpid(), signal.SIGKILL)
    def execute(self, *args, **options):
        nonlocal begun
        begun += 1
        os.write(pipe, b".")
        if begun == number and mode == "before":
            die()
        if begun == number and mode == "during":
            threading.Timer(delay, die).start()
        answer = send(self, *args, **options)
        if begun == number and mode == "after":
            die()
        return answer
    psycopg.Cursor.execute = execute
    broker.send = lambda *_, **__: None
    provision(subdomain)

print("ready", flush=True)
for line in sys.stdin:
    number, mode, delay, subdomain = line.split()
    reading, pipe = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            make(int(number), mode, float(delay), subdomain)
        finally:
            os._exit(0)
    os.close(pipe)
    with os.fdopen(reading, "rb") as counter:
        begun = len(counter.read())
    _, status = os.waitpid(child, 0)
    print(begun, os.WIFSIGNALED(status), flush=True)
"""


def url_of(alias: str) -> str:
    values = connections[alias].settings_dict
    place = {"host": values["HOST"] or "localhost", "port": values["PORT"] or "5432"}
    return f"postgresql://{values['USER']}:{values['PASSWORD']}@/{values['NAME']}?{urlencode(place)}"


@contextmanager
def forking() -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "DATABASE_URL": url_of("default"),
        "DATABASE_OWNER_URL": url_of(OWNER),
        "DJANGO_SETTINGS_MODULE": "saas.settings.test",
    }
    command = [sys.executable, "-c", FORKING]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def make_in_fork(process: Any, number: int, mode: str, delay: float, subdomain: str) -> tuple[int, bool]:
    """Statements that began, and whether it was killed; what it left on the server has ended."""
    process.stdin.write(f"{number} {mode} {delay} {subdomain}\n")
    process.stdin.flush()
    begun, killed = process.stdout.readline().split()
    connection.close()
    deadline = time.monotonic() + 30
    while ask(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend' AND xact_start IS NOT NULL"
    ):
        assert time.monotonic() < deadline, "a transaction of a killed process goes on"
        time.sleep(0.02)
    return int(begun), killed == "True"


def check_nothing_is_half() -> None:
    rows = dict(LibrarySchema.objects.values_list("name", "state"))
    assert schemas_there() == set(rows)
    taken = {name for name, state in rows.items() if state == SchemaState.TAKEN}
    owned = list(Library.objects.values_list("schema_name", flat=True))
    assert sorted(owned) == sorted(taken)
    assert set(rows.values()) <= {SchemaState.SPARE, SchemaState.TAKEN}
    for name, state in rows.items():
        assert ask("SELECT count(*) FROM pg_roles WHERE rolname = %s", name) == [(1,)]
        users = ask(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name, "accounts_user")))
        assert (users == [(0,)]) == (state == SchemaState.SPARE)
    assert not ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'release\\_%%'")


@pytest.mark.deep
@pytest.mark.slow
@pytest.mark.usefixtures("committed")
def test_a_process_killed_anywhere_leaves_nothing_half() -> None:
    draw = random.Random(17)  # noqa: S311
    killed = 0
    with forking() as process:
        total, died = make_in_fork(process, 0, "never", 0, "whole")
        assert not died
        for point in range(20):
            # Every other one finds a spare; whoever finds none makes it, which takes more statements.
            if point % 2:
                make_schema()
            mode, delay = draw.choice(["before", "during", "after"]), draw.random() * 0.05
            _, died = make_in_fork(process, draw.randint(1, total), mode, delay, f"killed-{point}")
            killed += died
            check_nothing_is_half()
            if not Library.objects.filter(subdomain=f"killed-{point}").exists():
                make_in_fork(process, 0, "never", 0, f"killed-{point}")
            check_nothing_is_half()
            library = selectors.find_library_by_subdomain(f"killed-{point}")
            assert library is not None
            with in_library(library):
                assert User.objects.get().email == "first@fresh.example"
    assert killed >= 10


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

    @pytest.mark.django_db(databases=["default", "owner"])
    def test_migrating_an_up_to_date_schema_does_nothing(self, north: LibraryContext) -> None:
        assert services.migrate_where_needed() is False
        with in_library(north):
            assert services.migrate_where_needed() is False
            assert current_schema() == "lib_north"
