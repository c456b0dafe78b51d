"""Lending a copy: what is written, and every refusal with the case beside it that gets through."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from saas.core.errors import ConfirmationRequired
from saas.core.principals import SYSTEM, Actor
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.circulation import errors
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.circulation.services import check_out, create_rule
from tenant_apps.circulation.services import checkout as checkout_module
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CardFactory,
    CopyFactory,
    PatronFactory,
    category,
    everything,
    item_type,
    main_branch,
)

pytestmark = pytest.mark.usefixtures("in_north")


def lend(barcode: str = "30001", card: str = "C1", **more: Any) -> Loan:
    values = {"branch": main_branch(), "by": SYSTEM, "now": NOW, **more}
    return Loan.objects.get(pk=check_out(copy_barcode=barcode, card_number=card, **values).loan.pk)


def test_a_loan_is_due_after_the_rules_days_at_the_branch() -> None:
    copy, patron = CopyFactory(barcode="30001"), PatronFactory(card="C1")

    loan = Loan.objects.get(pk=lend().pk)

    assert (loan.copy, loan.patron, loan.card_number, loan.branch.code) == (copy, patron, "C1", "main")
    assert loan.checked_out_at == NOW
    assert loan.due_at == dt.datetime(2026, 12, 18, 22, 59, 59, tzinfo=dt.UTC)  # 23:59:59 in Rome, 28 days on
    assert (loan.renewals, loan.returned_at, loan.version) == (0, None, 1)


def test_the_branchs_own_clock_decides_not_the_librarys() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    island = BranchFactory(code="island", time_zone="Pacific/Kiritimati")

    loan = lend(branch=island)

    assert loan.due_at == dt.datetime(2026, 12, 18, 9, 59, 59, tzinfo=dt.UTC)


def test_the_loan_keeps_the_rules_it_was_made_by() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    period = LoanRule.objects.get(name="loan_period_days", item_type__code="book")
    limit = LoanRule.objects.get(name="loan_limit")

    loan = lend()

    assert Loan.objects.get(pk=loan.pk).rules == {
        "loan_period_days": {"rule": period.pk, "value": 28},
        "loan_limit": {"rule": limit.pk, "value": 20},
        "overall_loan_limit": {"rule": None, "value": None},
        "time_zone": "Europe/Rome",
    }


def test_audit_and_event_are_written_with_the_loan_and_name_nobody() -> None:
    CopyFactory(barcode="30001")
    patron = PatronFactory(card="C-SECRET", name="Ada Lovelace")

    loan = lend(card="C-SECRET", by=Actor(kind="person", user_id=None, label="desk"))

    entry = AuditEntry.objects.get(action="loan.created")
    assert (entry.target_type, entry.target_id, entry.at) == ("circulation.loan", str(loan.pk), NOW)
    assert entry.changes["patron"] == str(patron.pk)
    assert "Ada" not in str(entry.changes)
    assert "C-SECRET" not in str(entry.changes)
    message = OutboxMessage.objects.get(kind="loan.created")
    assert message.payload == {"loan": loan.pk}


def test_a_copy_lent_at_another_branch_is_there_from_then_on() -> None:
    copy = CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    harbour = BranchFactory(code="harbour")

    lend(branch=harbour)

    copy.refresh_from_db()
    assert (copy.current_branch, copy.home_branch.code, copy.version) == (harbour, "main", 2)


def withdrawn() -> None:
    CopyFactory(barcode="30001", withdrawn_at=NOW)
    PatronFactory(card="C1")


def lost() -> None:
    CopyFactory(barcode="30001", lost_at=NOW)
    PatronFactory(card="C1")


def not_for_loan() -> None:
    CopyFactory(barcode="30001", not_for_loan=True)
    PatronFactory(card="C1")


def on_loan_to_another() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    PatronFactory(card="C2")
    lend(card="C2")


def on_loan_to_the_same() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    lend()


def expired() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1", expires_on=dt.date(2026, 11, 19))


def card_lost() -> None:
    CopyFactory(barcode="30001")
    patron = PatronFactory(card="C2")
    CardFactory(patron=patron, number="C1", lost_at=NOW)


def no_rule() -> None:
    CopyFactory(barcode="30001", item_type=item_type("globe"))
    PatronFactory(card="C1")


def limit_reached() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    create_rule(name="loan_limit", value=1, item_type=item_type("book"), by=SYSTEM, now=NOW)
    CopyFactory(barcode="30002")
    lend("30002")


def damaged() -> None:
    CopyFactory(barcode="30001", damaged_at=NOW)
    PatronFactory(card="C1")


def unknown_barcode() -> None:
    PatronFactory(card="C1")
    CopyFactory(barcode="30001x")


def unknown_card() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="c1")


REFUSALS = [
    (withdrawn, errors.CopyWithdrawn),
    (lost, errors.CopyLost),
    (not_for_loan, errors.CopyNotForLoan),
    (on_loan_to_another, errors.CopyOnLoan),
    (on_loan_to_the_same, errors.CopyOnLoan),
    (expired, errors.PatronExpired),
    (card_lost, errors.PatronBlocked),
    (no_rule, errors.NoRule),
    (limit_reached, errors.LimitReached),
    (damaged, ConfirmationRequired),
    (unknown_barcode, errors.UnknownBarcode),
    (unknown_card, errors.UnknownCard),
]


@pytest.mark.parametrize(("prepare", "error"), REFUSALS, ids=lambda value: value.__name__)
def test_a_refusal_leaves_no_trace_and_the_copy_beside_it_is_lent(
    prepare: Callable[[], None], error: type[Exception]
) -> None:
    prepare()
    CopyFactory(barcode="FREE")
    PatronFactory(card="GOOD")
    before = everything()

    with pytest.raises(error):
        lend()

    assert everything() == before
    assert lend("FREE", "GOOD").pk
    assert everything() != before


def test_the_last_day_of_a_membership_still_counts_by_the_branchs_calendar() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1", expires_on=dt.date(2026, 11, 20))
    late_evening = dt.datetime(2026, 11, 20, 22, 30, tzinfo=dt.UTC)  # 23:30 in Rome
    after_midnight = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)  # 0:30 on the 21st in Rome

    with pytest.raises(errors.PatronExpired):
        lend(now=after_midnight)
    assert lend(now=late_evening).pk


def test_s9_a_lost_card_is_refused_with_the_reason_and_the_new_card_works() -> None:
    CopyFactory(barcode="30001")
    patron = PatronFactory(card="NEW")
    CardFactory(patron=patron, number="LOST", lost_at=NOW)

    with pytest.raises(errors.PatronBlocked) as refused:
        lend(card="LOST")

    assert refused.value.code == "patron_blocked"
    assert [block["code"] for block in refused.value.extension_members["blocks"]] == ["card_lost"]
    assert lend(card="NEW").patron == patron


def test_the_limit_names_the_rule_and_the_numbers() -> None:
    limit_reached()
    rule = LoanRule.objects.get(name="loan_limit", item_type__code="book")

    with pytest.raises(errors.LimitReached) as refused:
        lend()

    assert refused.value.extension_members == {
        "rule": {"id": str(rule.pk), "name": "loan_limit"},
        "limit": 1,
        "count": 1,
    }


def test_s4_in_the_database_a_third_dvd_is_refused_and_a_tenth_book_is_not() -> None:
    create_rule(name="loan_limit", value=2, item_type=item_type("dvd"), by=SYSTEM, now=NOW)
    LoanRule.objects.filter(name="loan_limit", item_type=None).update(value=10)
    PatronFactory(card="C1")
    for number in range(3):
        CopyFactory(barcode=f"D{number}", item_type=item_type("dvd"))
    for number in range(11):
        CopyFactory(barcode=f"B{number}")
    for barcode in ("D0", "D1", *(f"B{number}" for number in range(9))):
        lend(barcode)

    with pytest.raises(errors.LimitReached):
        lend("D2")
    assert lend("B9").pk
    with pytest.raises(errors.LimitReached):
        lend("B10")


def test_loans_of_others_and_returned_ones_do_not_count() -> None:
    LoanRule.objects.filter(name="loan_limit").update(value=1)
    PatronFactory(card="C1")
    PatronFactory(card="C2")
    for barcode in ("A", "B", "C", "D"):
        CopyFactory(barcode=barcode)
    first = lend("A", "C1")
    lend("B", "C2")

    with pytest.raises(errors.LimitReached):
        lend("C", "C1")
    Loan.objects.filter(pk=first.pk).update(returned_at=NOW)

    assert lend("C", "C1").pk


def test_a_child_at_a_branch_gets_the_branchs_period() -> None:
    """S1 through the database."""
    create_rule(name="loan_period_days", value=14, branch=main_branch(), by=SYSTEM, now=NOW)
    create_rule(
        name="loan_period_days",
        value=3,
        category=category("child"),
        item_type=item_type("dvd"),
        by=SYSTEM,
        now=NOW,
    )
    CopyFactory(barcode="30001", item_type=item_type("dvd"))
    PatronFactory(card="C1", category=category("child"))

    assert lend().rules["loan_period_days"]["value"] == 14


def test_a_damaged_copy_is_lent_once_confirmed_and_the_audit_log_says_so() -> None:
    damaged()

    with pytest.raises(ConfirmationRequired) as asked:
        lend()
    assert [point["code"] for point in asked.value.extension_members["confirmations"]] == ["copy_damaged"]

    lend(confirm=["copy_damaged"])
    assert AuditEntry.objects.get(action="loan.created").changes["confirmed"] == ["copy_damaged"]


def test_confirming_does_not_help_against_a_hard_refusal() -> None:
    withdrawn()
    before = everything()

    with pytest.raises(errors.CopyWithdrawn):
        lend(confirm=["copy_damaged"])

    assert everything() == before


def test_an_unknown_confirmation_is_a_mistake_of_the_client() -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    before = everything()

    with pytest.raises(errors.UnknownConfirmation) as refused:
        lend(confirm=["copy_damaged", "copy_stolen"])

    assert [problem.field for problem in refused.value.errors] == ["confirm.1"]
    assert everything() == before


def test_the_index_is_the_last_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way around our lock still meets the unique index, and the desk hears the usual refusal."""
    on_loan_to_another()
    before = everything()
    monkeypatch.setattr(checkout_module, "_refuse_copy", lambda facts: None)

    with pytest.raises(errors.CopyOnLoan):
        lend()

    assert everything() == before


def test_other_faults_of_the_database_are_not_taken_for_a_loan(monkeypatch: pytest.MonkeyPatch) -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    monkeypatch.setattr(checkout_module.rules, "due_at", lambda *args: NOW)

    with pytest.raises(IntegrityError, match="circulation_due_after"), transaction.atomic():
        lend()
    assert Loan.objects.count() == 0
