"""Many desks at once, in any order: nobody waits in a circle, no limit is overrun, no story has a hole."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection
from django.db.models import Count

from saas.core.errors import DomainError
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.models import OutboxMessage
from tenant_apps.catalog.services.copies import change_copy
from tenant_apps.circulation.models import Copy, Loan, LoanRule
from tenant_apps.circulation.services import check_out, return_copy
from tenant_apps.patrons.models import Patron
from tenant_apps.patrons.services import update_patron
from tests.races.test_checkout_races import LATER, TIMEOUT
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CopyFactory,
    PatronFactory,
    main_branch,
)

DESKS, SCANS = 6, 40
BARCODES, CARDS = ("A", "B", "C"), ("C1", "C2")


def desk(library: Any, number: int, start: threading.Barrier) -> Counter[str]:
    """Scan in an order of this desk's own; how often what came out of it."""
    seen: Counter[str] = Counter()
    try:
        with in_library(library):
            branches = [main_branch(), BranchFactory._meta.model.objects.get(code="harbour")]
            start.wait(TIMEOUT)
            for scan in range(SCANS):
                seen[scanned(number * 7 + scan * (number + 1), branches[(number + scan) % 2])] += 1
    finally:
        connection.close()
    return seen


def scanned(at: int, branch: Any) -> str:
    barcode, card = BARCODES[at % len(BARCODES)], CARDS[at // 2 % len(CARDS)]
    try:
        if at % 5 in (0, 2):
            return_copy(copy_barcode=barcode, branch=branch, by=SYSTEM, now=LATER)
            return "returned"
        if at % 11 == 3:  # others who lock the same rows
            change_copy(
                copy_id=Copy.objects.get(barcode=barcode).pk, changes={"lost": False}, by=SYSTEM, now=NOW
            )
            patron = Patron.objects.get(cards__number=card)
            update_patron(patron_id=patron.pk, changes={"name": f"Patron {at}"}, by=SYSTEM, now=NOW)
            return "changed"
        check_out(copy_barcode=barcode, card_number=card, branch=branch, by=SYSTEM, now=NOW)
    except DomainError as refusal:
        return refusal.code
    return "lent"


def test_any_mixture_of_scans_ends_and_leaves_one_true_story(committed_library: Any) -> None:
    """A circle of waiting would be broken by PostgreSQL with an error, which no desk here forgives."""
    with in_library(committed_library):
        LoanRule.objects.filter(name="loan_limit").update(value=1)
        BranchFactory(code="harbour")
        for barcode in BARCODES:
            CopyFactory(barcode=barcode)
        for card in CARDS:
            PatronFactory(card=card)
    start = threading.Barrier(DESKS)
    with ThreadPoolExecutor(DESKS) as pool:
        runs = [pool.submit(desk, committed_library, number, start) for number in range(DESKS)]
        seen = sum((run.result(4 * TIMEOUT) for run in runs), Counter[str]())

    assert sum(seen.values()) == DESKS * SCANS
    assert seen.keys() <= {"lent", "returned", "changed", "copy_on_loan", "limit_reached"}
    assert min(seen["lent"], seen["returned"], seen["limit_reached"], seen["copy_on_loan"]) > 0
    with in_library(committed_library):
        out = Loan.objects.filter(returned_at=None)
        per_patron = out.values("patron").annotate(number=Count("pk")).values_list("number", flat=True)
        assert max(per_patron, default=0) <= 1
        told = [AuditEntry.objects.filter(action=f"loan.{what}").count() for what in ("created", "returned")]
        sent = [OutboxMessage.objects.filter(kind=f"loan.{what}").count() for what in ("created", "returned")]
        closed = Loan.objects.exclude(returned_at=None)
        assert told == sent == [Loan.objects.count(), closed.count()] == [seen["lent"], closed.count()]
        assert set(closed.values_list("version", flat=True)) <= {2}
