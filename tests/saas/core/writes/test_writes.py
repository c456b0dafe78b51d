"""Lock, facts, write: the order is kept, a part is composed from its model, a refusal undoes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError, connection, transaction
from django.db.utils import IntegrityError
from psycopg import sql

from saas.core.errors import Conflict
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from saas.core.writes import Lock, LockOrderBroken, Part, Statement, Write, command, inserting
from shared_apps.audit.models import AuditEntry
from shared_apps.audit.services import entry_part, entry_values
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import message_part, message_values
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy, Title
from tenant_apps.circulation.services.copies import COPY_BY_BARCODE
from tenant_apps.patrons.models import Patron
from tenant_apps.patrons.selectors import PATRON_BY_CARD
from tests.tenant_apps.circulation.factories import NOW, CopyFactory, PatronFactory

TITLE_BY_ID = Lock(Title, "SELECT {title.pk} FROM {title} WHERE {title.pk} = %(id)s::bigint", title=Title)
SCANNED = {"copy_barcode": "B1", "card_number": "C1"}
FACTS = Statement("SELECT count(*) FROM {branch}", branch=Branch)


# -- statements ------------------------------------------------------------------------------------------------------


def test_names_come_from_the_models() -> None:
    text = Statement(
        "UPDATE {copy} SET {copy:home_branch} = %(a)s WHERE {copy.pk} = %(b)s AND {copy.home_branch} > 0",
        copy=Copy,
    ).text
    assert text == (
        'UPDATE "catalog_copy" AS "copy" SET "home_branch_id" = %(a)s WHERE "copy"."id" = %(b)s'
        ' AND "copy"."home_branch_id" > 0'
    )


@pytest.mark.parametrize(
    ("template", "error"),
    [("SELECT {copy.colour} FROM {copy}", FieldDoesNotExist), ("SELECT {loan.id}", KeyError)],
)
def test_a_name_that_no_model_has_is_a_fault(template: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = Statement(template, copy=Copy).text


def test_a_statement_is_answered_by_the_library_that_is_current(north: Any, south: Any) -> None:
    counts = []
    with in_library(north):
        Branch.objects.create(code="second", name="Second", time_zone="UTC")
        counts.append(FACTS.row({}))
    with in_library(south):
        counts.append(FACTS.row({}))
    assert counts == [(2,), (1,)]


# -- parts -----------------------------------------------------------------------------------------------------------


def branch_part(**more: Any) -> Part:
    values = {"code": "code", "name": "name", "time_zone": "zone"}
    return inserting(
        "branch", Branch, values=values, ending="ON CONFLICT DO NOTHING RETURNING id, version", **more
    )


def test_a_column_that_is_not_given_gets_its_fields_default(in_north: Any) -> None:
    write = Write(lambda: [branch_part()], "SELECT id, version FROM branch")
    assert "%(code)s::varchar," in write.text
    pk, version = write.row({"code": "x", "name": "X'); --%s", "zone": "UTC"}) or (None, None)
    branch = Branch.objects.get(pk=pk)
    assert (branch.code, branch.name, branch.version, version) == ("x", "X'); --%s", 1, 1)


def test_what_is_too_long_for_its_column_is_refused_and_not_cut(in_north: Any) -> None:
    write = Write(lambda: [branch_part()], "SELECT id, version FROM branch")
    with pytest.raises(DataError), transaction.atomic():
        write.row({"code": "x" * 41, "name": "X", "zone": "UTC"})
    assert Branch.objects.count() == 1


def test_a_column_that_no_model_has_is_a_fault() -> None:
    with pytest.raises(TypeError, match="colour"):
        branch_part(computed={"colour": sql.SQL("1")})


def told() -> Write:
    return Write(
        lambda: [
            branch_part(),
            entry_part(action="branch.created", target=Branch, of="branch"),
            message_part(kind="tests.branch", of="branch", member="branch"),
        ],
        "SELECT id FROM branch",
    )


def test_entry_and_message_are_written_by_the_statement_that_writes_the_row(
    in_north: Any, django_assert_num_queries: Any
) -> None:
    entry = entry_values(by=SYSTEM, changes={"name": "Ö \u2028'"}, now=NOW)
    values = {"code": "x", "name": "X", "zone": "UTC", **entry, **message_values(now=NOW)}
    with django_assert_num_queries(1):
        (pk,) = told().row(values) or (0,)
    written = AuditEntry.objects.get(action="branch.created")
    assert (written.target_type, written.target_id) == ("branches.branch", str(pk))
    assert (written.at, written.changes, written.actor_kind) == (NOW, {"name": "Ö \u2028'"}, "system")
    message = OutboxMessage.objects.get(kind="tests.branch")
    assert (message.payload, message.dedupe_key) == ({"branch": pk}, f"tests.branch:{pk}")
    assert (message.created_at, message.available_at, message.attempts) == (NOW, NOW, 0)
    assert [hook[1].wakes for hook in connection.run_on_commit] == ["lib_north"]
    connection.run_on_commit.clear()


def test_where_no_row_is_written_nothing_is_told(in_north: Any) -> None:
    entry = entry_values(by=SYSTEM, changes={}, now=NOW)
    values = {"code": "main", "name": "X", "zone": "UTC", **entry, **message_values(now=NOW)}
    assert told().row(values) is None
    assert not AuditEntry.objects.filter(action="branch.created").exists()
    assert not OutboxMessage.objects.filter(kind="tests.branch").exists()
    assert connection.run_on_commit == []


# -- the order --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(in_north: Any) -> Copy:
    PatronFactory(card="C1")
    return CopyFactory(barcode="B1")


def test_rows_are_locked_in_the_order_and_found(rows: Copy) -> None:
    with command() as unit:
        assert unit.lock(COPY_BY_BARCODE, SCANNED) == (rows.pk,)
        assert unit.lock(PATRON_BY_CARD, SCANNED) == (Patron.objects.get(cards__number="C1").pk,)
        assert unit.lock(TITLE_BY_ID, {"id": rows.title_id}) == (rows.title_id,)
        assert unit.facts(FACTS, {}) == (1,)
    assert COPY_BY_BARCODE.text.endswith('FOR NO KEY UPDATE OF "copy"')
    assert PATRON_BY_CARD.text.endswith('FOR NO KEY UPDATE OF "patron"')


def test_what_is_not_there_is_none(rows: Copy) -> None:
    with command() as unit:
        assert unit.lock(COPY_BY_BARCODE, {"copy_barcode": "b1"}) is None


def test_locking_against_the_order_raises_before_anything_is_locked(rows: Copy) -> None:
    with pytest.raises(LockOrderBroken, match="Copy is locked after patrons"), command() as unit:
        unit.lock(PATRON_BY_CARD, SCANNED)
        unit.lock(COPY_BY_BARCODE, SCANNED)
    connection.set_rollback(False)
    # The next command begins anew.
    with command() as unit:
        unit.lock(COPY_BY_BARCODE, SCANNED)


def test_a_command_inside_another_keeps_to_the_locks_of_both(rows: Copy) -> None:
    with pytest.raises(LockOrderBroken), command() as outer:
        with command() as inner:
            inner.lock(PATRON_BY_CARD, SCANNED)
        outer.lock(COPY_BY_BARCODE, SCANNED)
    connection.set_rollback(False)


def test_locking_after_the_facts_raises(rows: Copy) -> None:
    with pytest.raises(LockOrderBroken, match="after the facts"), command() as unit:
        unit.lock(COPY_BY_BARCODE, SCANNED)
        unit.facts(FACTS, {})
        unit.lock(PATRON_BY_CARD, SCANNED)
    connection.set_rollback(False)


def test_a_kind_without_a_place_in_the_order_cannot_be_locked(rows: Copy) -> None:
    lock = Lock(Branch, "SELECT {branch.pk} FROM {branch}", branch=Branch)
    with pytest.raises(LockOrderBroken, match="has no place"), command() as unit:
        unit.lock(lock, {})
    connection.set_rollback(False)


# -- refusals --------------------------------------------------------------------------------------------------------

ADD = Write(lambda: [branch_part()], "SELECT id FROM branch")
NEW = {"code": "new", "name": "New", "zone": "UTC"}


def test_a_refusal_before_the_first_write_leaves_the_transaction_usable(in_north: Any) -> None:
    with transaction.atomic():
        with pytest.raises(Conflict), command():
            raise Conflict
        ADD.row(NEW)
    assert Branch.objects.filter(code="new").exists()


@pytest.mark.parametrize("error", [Conflict, ZeroDivisionError, IntegrityError])
def test_an_error_after_a_write_undoes_it(in_north: Any, error: type[Exception]) -> None:
    with pytest.raises(error), transaction.atomic(), command() as unit:
        unit.write(ADD, NEW)
        raise error
    assert not Branch.objects.filter(code="new").exists()


@pytest.mark.parametrize("error", [Conflict, ZeroDivisionError])
def test_an_error_that_somebody_swallows_undoes_what_was_written_all_the_same(
    in_north: Any, error: type[Exception]
) -> None:
    with transaction.atomic():
        with pytest.raises(error), command() as unit:
            unit.write(ADD, NEW)
            raise error
        assert connection.needs_rollback
    assert not Branch.objects.filter(code="new").exists()


def test_outside_of_a_transaction_a_command_has_its_own(committed_library: Any) -> None:
    with in_library(committed_library):
        with pytest.raises(Conflict), command() as unit:
            unit.write(ADD, NEW)
            raise Conflict
        assert not connection.in_atomic_block
        assert not Branch.objects.filter(code="new").exists()
        with command() as unit:
            unit.write(ADD, NEW)
        assert Branch.objects.filter(code="new").exists()
