"""Lending a copy to a patron."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from psycopg.errors import UniqueViolation

from saas.core import clock
from saas.core.errors import FieldProblem
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation import errors, rules
from tenant_apps.circulation.models import Copy, Loan
from tenant_apps.circulation.selectors import rules_for_category
from tenant_apps.circulation.services.copies import lock_copy, place_copy
from tenant_apps.circulation.services.messages import (
    COPY_DAMAGED,
    Message,
    check_confirmations,
    require_confirmed,
)
from tenant_apps.patrons.selectors import Patron, card_is_lost, has_expired, lock_patron_of_card

CONFIRMATIONS = frozenset({COPY_DAMAGED})


@dataclass(frozen=True, slots=True)
class Checkout:
    """A new loan, and what the desk is told about it."""

    loan: Loan
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules allow: the days, and the snapshot that stays with the loan for its whole life."""

    days: int
    snapshot: dict[str, object]


def check_out(
    *,
    copy_barcode: str,
    card_number: str,
    branch: Branch,
    by: Actor,
    now: datetime,
    confirm: Sequence[str] = (),
) -> Checkout:
    """Lend a copy at a branch; the branch's rules and calendar govern the loan.

    Locks the copy, then the patron, and decides by what it reads after that; the limit is counted under the
    patron's lock. Any open loan of the copy refuses, also the same patron's. Loan, audit entry and
    `loan.created` are written together or not at all.

    Raises UnknownBarcode, UnknownCard; CopyWithdrawn, CopyLost, CopyNotForLoan, CopyOnLoan; PatronBlocked,
    PatronExpired; NoRule, LimitReached; ConfirmationRequired (`copy_damaged`), UnknownConfirmation.
    """
    check_confirmations(confirm, CONFIRMATIONS)
    try:
        with transaction.atomic():
            return _check_out(copy_barcode, card_number, branch=branch, by=by, now=now, confirm=confirm)
    except IntegrityError as error:
        # The copy's lock makes this impossible for us; the index stands against every other way to the table. No other
        # unique index is written here, and a savepoint for this one alone would cost two statements.
        if isinstance(error.__cause__, UniqueViolation):
            raise errors.CopyOnLoan from error
        raise


def _check_out(
    copy_barcode: str, card_number: str, *, branch: Branch, by: Actor, now: datetime, confirm: Sequence[str]
) -> Checkout:
    copy = lock_copy(copy_barcode)
    if copy is None:
        raise errors.UnknownBarcode
    patron = lock_patron_of_card(card_number)
    if patron is None:
        raise errors.UnknownCard
    is_out, open_loans = _open_loans(copy, patron)
    _refuse_copy(copy, is_out=is_out)
    _refuse_patron(patron, card_number, branch, now)
    terms = _terms(copy, patron, branch, open_loans)
    require_confirmed([COPY_DAMAGED] if copy.damaged_at else [], confirm)
    loan = Loan(
        copy=copy,
        patron=patron,
        card_number=card_number,
        branch=branch,
        checked_out_at=now,
        checked_out_by_id=by.user_id,
        due_at=rules.due_at(now, terms.days, branch.time_zone),
        rules=terms.snapshot,
    )
    loan.save(force_insert=True)
    place_copy(copy, branch.pk)
    _tell(loan, confirm, by, now)
    return Checkout(loan)


def _open_loans(copy: Copy, patron: Patron) -> tuple[bool, Counter[tuple[str, str]]]:
    """Whether the copy is out, and the patron's open loans by branch and item type, in one statement."""
    rows = Loan.objects.filter(Q(copy=copy) | Q(patron=patron), returned_at=None).values_list(
        "copy_id", "patron_id", "branch__code", "copy__item_type__code"
    )
    is_out = False
    open_loans: Counter[tuple[str, str]] = Counter()
    for copy_id, patron_id, branch, item_type in rows:
        is_out = is_out or copy_id == copy.pk
        if patron_id == patron.pk:
            open_loans[branch, item_type] += 1
    return is_out, open_loans


def _refuse_copy(copy: Copy, *, is_out: bool) -> None:
    if copy.withdrawn_at is not None:
        raise errors.CopyWithdrawn
    if is_out:
        raise errors.CopyOnLoan
    if copy.lost_at is not None:
        raise errors.CopyLost
    if copy.not_for_loan:
        raise errors.CopyNotForLoan


def _refuse_patron(patron: Patron, card_number: str, branch: Branch, now: datetime) -> None:
    if card_is_lost(card_number):
        lost = FieldProblem("card_number", "card_lost", _("This card has been reported lost."))
        raise errors.PatronBlocked([lost])
    if has_expired(patron, today=clock.today(branch.time_zone, at=now)):
        raise errors.PatronExpired


def _terms(copy: Copy, patron: Patron, branch: Branch, open_loans: Counter[tuple[str, str]]) -> Terms:
    """What the rules say. Raises NoRule, LimitReached."""
    case = rules.Case(branch.code, patron.category.code, copy.item_type.code)
    known = rules_for_category(case.category)
    choices = {name: rules.choose(known, name, case) for name in rules.DEFINITIONS}
    days = choices[rules.LOAN_PERIOD].value
    if days is None:
        raise errors.NoRule
    reached = rules.reached_limit(known, case, open_loans)
    if reached is not None:
        raise errors.LimitReached(
            rule={"id": str(reached.rule.id), "name": reached.rule.name},
            limit=reached.limit,
            count=reached.count,
        )
    snapshot: dict[str, object] = {
        name: {"rule": choice.rule.id if choice.rule else None, "value": choice.value}
        for name, choice in choices.items()
    }
    return Terms(days, {**snapshot, "time_zone": branch.time_zone})


def _tell(loan: Loan, confirmed: Sequence[str], by: Actor, now: datetime) -> None:
    """Write the audit entry and the event, in the transaction of the loan."""
    changes = {
        "copy": str(loan.copy_id),
        "patron": str(loan.patron_id),
        "branch": loan.branch.code,
        "due_at": loan.due_at.isoformat(),
        "confirmed": sorted(set(confirmed)),
    }
    audit.record(action="loan.created", target=loan, by=by, changes=changes, now=now)
    publish(kind="loan.created", payload={"loan": loan.pk}, dedupe_key=f"loan.created:{loan.pk}", now=now)
