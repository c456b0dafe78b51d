"""Taking a copy back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from psycopg import sql

from saas.core.db.routers import require_own
from saas.core.principals import Actor
from saas.core.writes import Part, Write, command
from saas.core.writes.statements import composed
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation import errors, rules
from tenant_apps.circulation.models import Copy, Loan
from tenant_apps.circulation.rules.returning import IN_HOUSE_USE, TRANSFER
from tenant_apps.circulation.services.copies import COPY_BY_BARCODE, placed
from tenant_apps.circulation.services.lines import LoanLine
from tenant_apps.circulation.services.messages import (
    COPY_FOUND,
    COPY_IS_WITHDRAWN,
    Message,
    check_confirmations,
    message,
)
from tenant_apps.circulation.services.return_facts import ReturnFacts, read_facts


@dataclass(frozen=True, slots=True)
class Transfer:
    """The way a copy has to take now, by the codes of the branches."""

    from_branch: str
    to_branch: str


@dataclass(frozen=True, slots=True)
class Return:
    """What came of a return: the loan it closed, if any, and what the desk does with the copy."""

    loan: LoanLine | None
    action: str
    transfer: Transfer | None
    messages: tuple[Message, ...]


def return_copy(
    *,
    copy_barcode: str,
    branch: Branch,
    by: Actor,
    now: datetime,
    effective_at: datetime | None = None,
    confirm: Sequence[str] = (),
) -> Return:
    """Take a copy back at a branch, whoever brings it, and say what to do with it (rules.returning).

    `effective_at` is when it really came back (a book drop emptied on Monday); by default now. A copy that
    is not on loan counts as used in the house. A lost copy is found. A withdrawn copy is refused, unless it
    is still on loan: that loan is closed, and the desk is told not to shelve it.

    Raises UnknownBarcode, CopyWithdrawn, EffectiveReturnNotPossible, UnknownConfirmation.
    """
    check_confirmations(confirm, ())
    require_own([branch])
    if effective_at is not None and effective_at > now:
        raise errors.EffectiveReturnNotPossible("in_future")
    effective = effective_at or now
    values = {"copy_barcode": copy_barcode, "here": branch.pk, "now": now, "by": by.user_id}
    with command() as unit:
        copy = unit.lock(COPY_BY_BARCODE, values)
        if copy is None:
            raise errors.UnknownBarcode
        values["copy"] = copy[0]
        facts = read_facts(unit, values)
        result = _decide(facts, branch, effective)
        changes = _changes(facts, branch, result.action, effective)
        values |= {"effective": effective, **audit.entry_values(by=by, changes=changes, now=now)}
        if facts.loan is None:
            unit.write(_USED_IN_HOUSE if result.action == IN_HOUSE_USE else _HANDED_IN, values)
        else:
            unit.write(_CLOSE, values | {"loan": facts.loan.pk, **delivery.message_values(now=now)})
    return _told(facts, branch, result, now, effective)


def _decide(facts: ReturnFacts, branch: Branch, effective: datetime) -> rules.Outcome:
    """The row of the table that applies. Raises CopyWithdrawn, EffectiveReturnNotPossible."""
    if facts.loan is None and facts.withdrawn_at is not None:
        raise errors.CopyWithdrawn
    if facts.loan is not None and effective < facts.loan.checked_out_at:
        raise errors.EffectiveReturnNotPossible("before_checkout")
    return rules.outcome(
        on_loan=facts.loan is not None,
        home_here=facts.home_branch_id == branch.pk,
        believed_here=facts.current_branch_id == branch.pk,
    )


def _told(
    facts: ReturnFacts, branch: Branch, result: rules.Outcome, now: datetime, effective: datetime
) -> Return:
    """What the desk is answered."""
    codes = [*result.messages]
    if facts.withdrawn_at is not None:
        codes.append(COPY_IS_WITHDRAWN)
    if facts.lost_at is not None:
        codes.append(COPY_FOUND)
    loan = facts.loan
    if loan is not None:
        loan = replace(
            loan,
            version=loan.version + 1,
            returned_at=now,
            effective_return_at=effective,
            return_branch=branch.code,
        )
    way = Transfer(branch.code, facts.home_branch) if result.action == TRANSFER else None
    return Return(loan, result.action, way, tuple(message(code) for code in codes))


def _changes(facts: ReturnFacts, branch: Branch, action: str, effective: datetime) -> dict[str, object]:
    """What the audit entry says: ids and codes."""
    found = facts.lost_at is not None
    changes = {"copy": str(facts.copy_id), "branch": branch.code, "action": action, "found": found}
    return changes if facts.loan is None else {**changes, "effective_at": effective.isoformat()}


_LOAN = """
    UPDATE {loan} SET {loan:returned_at} = %(now)s::timestamptz,
        {loan:effective_return_at} = %(effective)s::timestamptz, {loan:return_branch} = %(here)s::bigint,
        {loan:returned_by} = %(by)s::bigint, {loan:version} = {loan.version} + 1
    WHERE {loan.pk} = %(loan)s::bigint AND {loan.returned_at} IS NULL RETURNING {loan.pk}
"""


def _close() -> tuple[Part, ...]:
    return (
        Part("loan", composed(_LOAN, loan=Loan)),
        placed(of="loan"),
        audit.entry_part(action="loan.returned", target=Loan, of="loan"),
        delivery.message_part(kind="loan.returned", of="loan", member="loan"),
    )


def _taken_in(action: str) -> tuple[Part, ...]:
    return (placed(), audit.entry_part(action=action, target=Copy, row=sql.SQL("%(copy)s::bigint::text")))


_CLOSE = Write(_close, "SELECT id FROM loan")
_USED_IN_HOUSE = Write(lambda: _taken_in("copy.used_in_house"), "SELECT 1")
_HANDED_IN = Write(lambda: _taken_in("copy.handed_in"), "SELECT 1")
