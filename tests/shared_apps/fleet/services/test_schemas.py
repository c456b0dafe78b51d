"""Schemas are made whole, claimed by one alone, and dropped with all that belongs to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from psycopg import sql

from saas.core.db.owner import OWNER, SchemaTarget, owner_connection
from saas.core.tenancy import in_public
from shared_apps.fleet.errors import NoSchemaToClaim
from shared_apps.fleet.models import Backfill, LibrarySchema, SchemaState
from shared_apps.fleet.services import (
    claim_schema,
    current_key,
    current_release,
    drop_schema,
    make_schema,
    note_release,
    schemas,
    take_schema,
)
from shared_apps.fleet.services.schemas import drop_unclaimed
from tests.shared_apps.fleet.services.deploys import Fleet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]
STARTING_TABLES = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "branches_branch",
    "access_role",
    # What guardian reads of the standard roles: groups, and nobody in them.
    "auth_group",
    "auth_group_permissions",
    "catalog_itemtype",
    "patrons_patroncategory",
    "circulation_loanrule",
}


def ask(query: str, *parameters: Any) -> list[Any]:
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())


def is_there(name: str) -> tuple[bool, bool, bool]:
    """Whether schema, role and row of the registry are there."""
    (schema,) = ask("SELECT count(*) FROM pg_namespace WHERE nspname = %s", name)
    (role,) = ask("SELECT count(*) FROM pg_roles WHERE rolname = %s", name)
    return schema[0] == 1, role[0] == 1, LibrarySchema.objects.filter(pk=name).exists()


def filled_tables(name: str) -> set[str]:
    found = set()
    for (table,) in ask("SELECT tablename FROM pg_tables WHERE schemaname = %s", name):
        with owner_connection() as wrapper, wrapper.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name, table)))
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def claimed() -> str | None:
    with transaction.atomic():
        return claim_schema()


# -- making -----------------------------------------------------------------------------------------------------------


def test_a_spare_has_schema_role_and_row_and_holds_nothing_of_anybody() -> None:
    name = make_schema()
    assert is_there(name) == (True, True, True)
    row = LibrarySchema.objects.get(pk=name)
    assert (row.state, row.release) == (SchemaState.SPARE, current_key())
    # No people, no secrets, no tokens, no sessions, no audit of what nobody did.
    assert filled_tables(name) == STARTING_TABLES


def test_requests_may_work_in_it_and_change_no_table() -> None:
    class Tenant:
        schema_name = make_schema()

    wrapper: Any = connection
    before = wrapper.tenant
    wrapper.set_tenant(Tenant)
    try:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE branches_branch SET name = 'Quay' RETURNING code")
            assert cursor.fetchall() == [("main",)]
            cursor.execute("SELECT nextval('branches_branch_id_seq') > 1")
            assert cursor.fetchone() == (True,)
        with pytest.raises(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE branches_branch ADD COLUMN odd int")
    finally:
        wrapper.set_tenant(before)


def test_the_name_may_be_given_and_is_given_once() -> None:
    assert make_schema(state=SchemaState.TAKEN, name="lib_wanted") == "lib_wanted"
    before = ask("SELECT count(*) FROM pg_class")
    with pytest.raises(Exception, match="fleet_libraryschema_pkey"):
        make_schema(name="lib_wanted")
    assert ask("SELECT count(*) FROM pg_class") == before
    assert LibrarySchema.objects.get(pk="lib_wanted").state == SchemaState.TAKEN


@pytest.mark.parametrize("by", ["script", "migrations"])
def test_a_preparer_that_fails_leaves_nothing_that_could_be_claimed(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    def fail(using: str) -> None:
        assert using == OWNER
        raise ZeroDivisionError

    if by == "migrations":
        release = current_release()
        release.script = ""
        monkeypatch.setattr(schemas, "release_in_use", lambda: release)
    monkeypatch.setattr(schemas, "prepare_library", fail)
    with pytest.raises(ZeroDivisionError):
        make_schema(name="lib_failed")
    assert claimed() is None
    # What took several transactions stays, unfinished, for the refill to drop; one transaction leaves nothing.
    left = list(LibrarySchema.objects.values_list("name", "state"))
    assert left == ([] if by == "script" else [("lib_failed", SchemaState.UNFINISHED)])
    assert is_there("lib_failed") == ((False, False, False) if by == "script" else (True, True, True))


# -- claiming -----------------------------------------------------------------------------------------------------------


def test_a_claim_takes_a_spare_of_this_release_once() -> None:
    name = make_schema()
    make_schema(state=SchemaState.TAKEN)
    LibrarySchema.objects.filter(pk=make_schema()).update(release="another")
    LibrarySchema.objects.filter(pk=make_schema()).update(state=SchemaState.UNFINISHED)
    assert [claimed(), claimed()] == [name, None]
    assert LibrarySchema.objects.get(pk=name).state == SchemaState.TAKEN


def test_a_claim_that_is_rolled_back_gives_the_spare_back() -> None:
    name = make_schema()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert claim_schema() == name
        raise ZeroDivisionError
    assert claimed() == name


def test_a_claim_needs_the_transaction_of_its_library() -> None:
    name = make_schema()
    with pytest.raises(TransactionManagementError):
        claim_schema()
    assert LibrarySchema.objects.get(pk=name).state == SchemaState.SPARE


def at_once(number: int, work: Callable[[], Any]) -> list[Any]:
    """What so many threads answer, each of which stays in its transaction until all have answered."""
    everybody, answers = threading.Barrier(number), []

    def run() -> None:
        try:
            with in_public(), transaction.atomic():
                answers.append(work())
                everybody.wait(20)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def test_claims_at_once_take_different_spares_and_none_waits() -> None:
    names = [make_schema() for _ in range(3)]
    answers = at_once(4, claim_schema)
    assert sorted(answers, key=str) == sorted([*names, None], key=str)


def test_where_no_spare_is_ready_one_is_made_for_each() -> None:
    answers = at_once(2, take_schema)
    assert len(set(answers)) == 2
    assert set(LibrarySchema.objects.values_list("name", "state")) == {
        (name, SchemaState.TAKEN) for name in answers
    }


def test_who_never_gets_one_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(schemas, "claim_schema", lambda: None)
    monkeypatch.setattr(schemas, "make_schema", lambda: made.append("one"))
    with pytest.raises(NoSchemaToClaim):
        take_schema()
    assert len(made) == 5


# -- dropping -----------------------------------------------------------------------------------------------------------


def test_a_schema_is_dropped_with_its_role_and_its_row_and_again() -> None:
    name, other = make_schema(state=SchemaState.TAKEN), make_schema()
    for _twice in range(2):
        drop_schema(name)
        assert is_there(name) == (False, False, False)
    assert is_there(other) == (True, True, True)


def test_what_a_dropped_schema_had_still_to_do_goes_with_it() -> None:
    """Else it would be shown as unfinished for good."""
    name, other = make_schema(state=SchemaState.TAKEN), make_schema(state=SchemaState.TAKEN)
    for schema in (name, other):
        Backfill.objects.create(name="catalog.sort_keys", schema=schema)
    drop_schema(name)
    assert list(Backfill.objects.values_list("schema", flat=True)) == [other]
    drop_schema(other)


def test_a_drop_that_fails_leaves_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(cursor: Any, name: str) -> None:
        raise ZeroDivisionError

    name = make_schema()
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(schemas, "drop_role", fail)
        drop_schema(name)
    assert is_there(name) == (True, True, True)
    assert filled_tables(name) == STARTING_TABLES


def test_what_is_taken_or_about_to_be_is_not_dropped_as_unclaimed() -> None:
    taken, spare = make_schema(state=SchemaState.TAKEN), make_schema()
    assert not drop_unclaimed(taken)
    with transaction.atomic():
        assert claim_schema() == spare
        assert not drop_unclaimed(spare)
    assert is_there(taken) == is_there(spare) == (True, True, True)
    LibrarySchema.objects.filter(pk=spare).update(state=SchemaState.SPARE)
    assert drop_unclaimed(spare)
    assert is_there(spare) == (False, False, False)


# -- registering ------------------------------------------------------------------------------------------------------


def test_a_schema_from_before_the_registry_gets_its_row_and_its_role(fleet: Fleet) -> None:
    name = make_schema(state=SchemaState.TAKEN, name="lib_old")
    with owner_connection() as wrapper, wrapper.cursor() as cursor:
        wrapper.set_tenant(SchemaTarget("public"))
        cursor.execute("DELETE FROM fleet_libraryschema WHERE name = 'lib_old'")
        cursor.execute("REASSIGN OWNED BY lib_old TO CURRENT_USER; DROP OWNED BY lib_old; DROP ROLE lib_old")
    assert is_there(name) == (True, False, False)
    for _twice in range(2):
        note_release(name)
        assert is_there(name) == (True, True, True)
    row = LibrarySchema.objects.get(pk=name)
    assert (row.state, row.release) == (SchemaState.TAKEN, current_key())
    (may,) = ask("SELECT has_table_privilege('lib_old', 'lib_old.branches_branch', 'UPDATE')")
    assert may == (True,)


def test_a_schema_that_was_migrated_counts_as_current() -> None:
    name = make_schema(state=SchemaState.SPARE)
    LibrarySchema.objects.filter(pk=name).update(release="earlier")
    note_release(name)
    row = LibrarySchema.objects.get(pk=name)
    assert (row.state, row.release) == (SchemaState.SPARE, current_key())
