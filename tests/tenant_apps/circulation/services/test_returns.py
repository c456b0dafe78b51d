"""Taking a copy back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.catalog.models import Copy
from tenant_apps.circulation import errors
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.services import Return, Transfer, check_out, return_copy
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CopyFactory,
    PatronFactory,
    everything,
    main_branch,
)

pytestmark = pytest.mark.usefixtures("in_north")
LATER = NOW + dt.timedelta(days=3)


def lent(barcode: str = "30001", **copy: Any) -> Loan:
    CopyFactory(barcode=barcode, **copy)
    PatronFactory(card=f"C-{barcode}")
    card = f"C-{barcode}"
    line = check_out(copy_barcode=barcode, card_number=card, branch=main_branch(), by=SYSTEM, now=NOW).loan
    return Loan.objects.get(pk=line.pk)


def take_back(barcode: str = "30001", **more: Any) -> Return:
    values = {"branch": main_branch(), "by": SYSTEM, "now": LATER, **more}
    return return_copy(copy_barcode=barcode, **values)


def codes(result: Return) -> list[str]:
    return [message.code for message in result.messages]


def test_a_return_closes_the_loan_and_the_copy_is_free_again() -> None:
    loan = lent()

    result = take_back()

    assert result.loan is not None
    assert (result.action, result.transfer, codes(result)) == ("shelve", None, [])
    loan.refresh_from_db()
    assert (loan.returned_at, loan.effective_return_at, loan.version) == (LATER, LATER, 2)
    assert loan.return_branch == main_branch()
    again = check_out(
        copy_barcode="30001", card_number="C-30001", branch=main_branch(), by=SYSTEM, now=LATER
    ).loan
    assert again.pk != loan.pk


def test_audit_and_event_are_written_with_the_return() -> None:
    loan = lent()

    take_back()

    entry = AuditEntry.objects.get(action="loan.returned")
    assert (entry.target_id, entry.changes["action"]) == (str(loan.pk), "shelve")
    assert OutboxMessage.objects.get(kind="loan.returned").payload == {"loan": loan.pk}


def test_only_the_loan_of_this_copy_is_closed() -> None:
    lent("30001")
    other = lent("30002")

    take_back("30001")

    other.refresh_from_db()
    assert other.returned_at is None


def test_s36_a_book_drop_is_emptied_on_monday_for_saturday() -> None:
    loan = lent()
    saturday = NOW + dt.timedelta(days=1)

    take_back(effective_at=saturday)

    loan.refresh_from_db()
    assert (loan.returned_at, loan.effective_return_at) == (LATER, saturday)


@pytest.mark.parametrize(
    ("moment", "code"),
    [(LATER + dt.timedelta(seconds=1), "in_future"), (NOW - dt.timedelta(seconds=1), "before_checkout")],
)
def test_a_copy_cannot_come_back_in_the_future_or_before_it_went(moment: dt.datetime, code: str) -> None:
    lent()
    before = everything()

    with pytest.raises(errors.EffectiveReturnNotPossible) as refused:
        take_back(effective_at=moment)

    assert [(problem.field, problem.code) for problem in refused.value.errors] == [("effective_at", code)]
    assert everything() == before
    assert take_back(effective_at=NOW).loan is not None


def test_s51_a_copy_of_another_branch_is_sent_there() -> None:
    lent()
    harbour = BranchFactory(code="harbour")

    result = take_back(branch=harbour)

    assert (result.action, result.transfer) == ("transfer", Transfer("harbour", "main"))
    assert codes(result) == ["transfer_needed"]
    assert Copy.objects.get(barcode="30001").current_branch == harbour


def test_s58_a_copy_that_was_not_on_loan_counts_as_used_in_the_house_once() -> None:
    CopyFactory(barcode="30001")

    result = take_back()

    assert (result.loan, result.action, codes(result)) == (None, "in_house_use", ["not_on_loan"])
    assert AuditEntry.objects.filter(action="copy.used_in_house").count() == 1
    assert not OutboxMessage.objects.filter(kind="loan.returned").exists()


def test_a_copy_that_comes_home_is_shelved_and_was_not_used() -> None:
    lent()
    take_back(branch=BranchFactory(code="harbour"))

    result = take_back()

    assert (result.loan, result.action, codes(result)) == (None, "shelve", ["arrived_home"])
    assert Copy.objects.get(barcode="30001").current_branch == main_branch()
    assert not AuditEntry.objects.filter(action="copy.used_in_house").exists()
    assert take_back().action == "in_house_use"


def test_s58_a_withdrawn_copy_is_refused_without_a_trace() -> None:
    CopyFactory(barcode="30001", withdrawn_at=NOW)
    CopyFactory(barcode="30002")
    before = everything()

    with pytest.raises(errors.CopyWithdrawn):
        take_back()

    assert everything() == before
    assert take_back("30002").action == "in_house_use"


def test_a_withdrawn_copy_that_is_still_out_ends_the_patrons_loan() -> None:
    loan = lent()
    Copy.objects.update(withdrawn_at=NOW)

    result = take_back()

    assert codes(result) == ["copy_withdrawn"]
    loan.refresh_from_db()
    assert loan.returned_at == LATER


def test_s58_an_unknown_barcode_is_refused_without_a_trace() -> None:
    CopyFactory(barcode="30001x")
    before = everything()

    with pytest.raises(errors.UnknownBarcode):
        take_back()

    assert everything() == before


def test_a_lost_copy_that_comes_back_is_found() -> None:
    lent()
    Copy.objects.update(lost_at=NOW)

    result = take_back()

    assert codes(result) == ["copy_found"]
    copy = Copy.objects.get(barcode="30001")
    assert copy.lost_at is None
    assert AuditEntry.objects.get(action="loan.returned").changes["found"] is True


def test_a_return_where_nothing_about_the_copy_changes_leaves_its_version() -> None:
    lent()
    version = Copy.objects.get(barcode="30001").version

    take_back()

    assert Copy.objects.get(barcode="30001").version == version


def test_there_is_nothing_to_confirm_at_a_return() -> None:
    lent()
    before = everything()

    with pytest.raises(errors.UnknownConfirmation):
        take_back(confirm=["anything"])

    assert everything() == before


def test_it_may_be_returned_a_second_time_as_a_copy_that_is_not_on_loan() -> None:
    loan = lent()
    take_back()

    assert take_back().loan is None
    loan.refresh_from_db()
    assert loan.version == 2
