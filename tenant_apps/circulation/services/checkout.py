"""Lending a copy to a patron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.utils.translation import gettext_lazy as _

from saas.core import clock
from saas.core.db.routers import require_own
from saas.core.errors import FieldProblem
from saas.core.principals import Actor
from saas.core.writes import Part, Unit, Write, command, inserting
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation import errors, rules
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.services.checkout_facts import CheckoutFacts, read_facts
from tenant_apps.circulation.services.copies import COPY_BY_BARCODE, placed
from tenant_apps.circulation.services.lines import LoanLine
from tenant_apps.circulation.services.messages import (
    COPY_DAMAGED,
    Message,
    check_confirmations,
    require_confirmed,
)
from tenant_apps.patrons.selectors import PATRON_BY_CARD, has_expired

CONFIRMATIONS = frozenset({COPY_DAMAGED})


@dataclass(frozen=True, slots=True)
class Checkout:
    """A new loan, and what the desk is told about it."""

    loan: LoanLine
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules allow: until when, and the snapshot that stays with the loan for its whole life."""

    due_at: datetime
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
    require_own([branch])
    values: dict[str, Any] = {
        "copy_barcode": copy_barcode,
        "card_number": card_number,
        "here": branch.pk,
        "now": now,
    }
    with command() as unit:
        facts = _lock_and_look(unit, values)
        terms = _decide(facts, branch, now, confirm)
        values |= {
            "by": by.user_id,
            "due_at": terms.due_at,
            "rules": orjson.dumps(terms.snapshot).decode(),
            **audit.entry_values(by=by, changes=_changes(values, branch, terms, confirm), now=now),
            **delivery.message_values(now=now),
        }
        written = unit.write(_LEND, values)
        if written is None:
            # The copy's lock makes this impossible for us; the index stands against every other way to the table.
            raise errors.CopyOnLoan
    pk, version = written
    line = LoanLine(
        pk=pk,
        version=version,
        copy_barcode=copy_barcode,
        title_id=facts.title_id,
        title=facts.title,
        patron_id=values["patron"],
        card_number=card_number,
        branch_id=branch.pk,
        branch=branch.code,
        checked_out_at=now,
        due_at=terms.due_at,
    )
    return Checkout(line)


def _lock_and_look(unit: Unit, values: dict[str, Any]) -> CheckoutFacts:
    """Lock the copy, then the patron, add their ids to the values, and read the facts."""
    copy = unit.lock(COPY_BY_BARCODE, values)
    if copy is None:
        raise errors.UnknownBarcode
    patron = unit.lock(PATRON_BY_CARD, values)
    if patron is None:
        raise errors.UnknownCard
    values["copy"], values["patron"] = copy[0], patron[0]
    facts = read_facts(unit, values)
    if facts is None:
        raise errors.UnknownCard
    return facts


def _decide(facts: CheckoutFacts, branch: Branch, now: datetime, confirm: Sequence[str]) -> Terms:
    """What the loan will be. Raises the first reason against it, in the order: copy, card, patron, rule, limit."""
    _refuse_copy(facts)
    _refuse_patron(facts, branch, now)
    terms = _terms(facts, branch, now)
    require_confirmed([COPY_DAMAGED] if facts.damaged_at else [], confirm)
    return terms


def _refuse_copy(facts: CheckoutFacts) -> None:
    if facts.withdrawn_at is not None:
        raise errors.CopyWithdrawn
    if facts.is_on_loan:
        raise errors.CopyOnLoan
    if facts.lost_at is not None:
        raise errors.CopyLost
    if facts.not_for_loan:
        raise errors.CopyNotForLoan


def _refuse_patron(facts: CheckoutFacts, branch: Branch, now: datetime) -> None:
    if facts.card_lost_at is not None:
        lost = FieldProblem("card_number", "card_lost", _("This card has been reported lost."))
        raise errors.PatronBlocked([lost])
    if has_expired(facts.expires_on, today=clock.today(branch.time_zone, at=now)):
        raise errors.PatronExpired


def _terms(facts: CheckoutFacts, branch: Branch, now: datetime) -> Terms:
    """What the rules say. Raises NoRule, LimitReached."""
    case = rules.Case(branch.code, facts.category, facts.item_type)
    choices = {name: rules.choose(facts.rules, name, case) for name in rules.DEFINITIONS}
    days = choices[rules.LOAN_PERIOD].value
    if days is None:
        raise errors.NoRule
    reached = rules.reached_limit(facts.rules, case, facts.open_loans)
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
    return Terms(rules.due_at(now, days, branch.time_zone), {**snapshot, "time_zone": branch.time_zone})


def _changes(
    values: dict[str, Any], branch: Branch, terms: Terms, confirmed: Sequence[str]
) -> dict[str, object]:
    """What the audit entry says: ids and codes."""
    return {
        "copy": str(values["copy"]),
        "patron": str(values["patron"]),
        "branch": branch.code,
        "due_at": terms.due_at.isoformat(),
        "confirmed": sorted(set(confirmed)),
    }


def _lend() -> tuple[Part, ...]:
    loan = {
        "copy_id": "copy",
        "patron_id": "patron",
        "card_number": "card_number",
        "branch_id": "here",
        "checked_out_at": "now",
        "checked_out_by_id": "by",
        "due_at": "due_at",
        "rules": "rules",
    }
    return (
        inserting("loan", Loan, values=loan, ending="ON CONFLICT DO NOTHING RETURNING id, version"),
        placed(of="loan"),
        audit.entry_part(action="loan.created", target=Loan, of="loan"),
        delivery.message_part(kind="loan.created", of="loan", member="loan"),
    )


_LEND = Write(_lend, "SELECT id, version FROM loan")
