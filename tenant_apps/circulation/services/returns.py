"""Taking a copy back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from saas.core.principals import Actor
from shared_apps.audit import services as audit
from shared_apps.delivery.services import publish
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation import errors, rules
from tenant_apps.circulation.models import Copy, Loan
from tenant_apps.circulation.rules.returning import IN_HOUSE_USE, TRANSFER
from tenant_apps.circulation.selectors import open_loan_of_copy
from tenant_apps.circulation.services.copies import lock_copy, place_copy
from tenant_apps.circulation.services.messages import (
    COPY_FOUND,
    COPY_IS_WITHDRAWN,
    Message,
    check_confirmations,
    message,
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """The way a copy has to take now, by the codes of the branches."""

    from_branch: str
    to_branch: str


@dataclass(frozen=True, slots=True)
class Return:
    """What came of a return: the loan it closed, if any, and what the desk does with the copy."""

    loan: Loan | None
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
    if effective_at is not None and effective_at > now:
        raise errors.EffectiveReturnNotPossible("in_future")
    with transaction.atomic():
        copy = lock_copy(copy_barcode)
        if copy is None:
            raise errors.UnknownBarcode
        loan = open_loan_of_copy(copy.pk)
        if loan is None and copy.withdrawn_at is not None:
            raise errors.CopyWithdrawn
        if loan is not None:
            loan.copy = copy
            _close(loan, branch, by, now, effective_at=effective_at or now)
        result = rules.outcome(
            on_loan=loan is not None,
            home_here=copy.home_branch_id == branch.pk,
            believed_here=copy.current_branch_id == branch.pk,
        )
        notices = [COPY_IS_WITHDRAWN] if copy.withdrawn_at is not None else []
        if place_copy(copy, branch.pk):
            notices.append(COPY_FOUND)
        _tell(loan, copy, branch, result.action, found=COPY_FOUND in notices, by=by, now=now)
    way = Transfer(branch.code, copy.home_branch.code) if result.action == TRANSFER else None
    return Return(loan, result.action, way, tuple(message(code) for code in (*result.messages, *notices)))


def _close(loan: Loan, branch: Branch, by: Actor, now: datetime, *, effective_at: datetime) -> None:
    if effective_at < loan.checked_out_at:
        raise errors.EffectiveReturnNotPossible("before_checkout")
    loan.returned_at = now
    loan.effective_return_at = effective_at
    loan.return_branch = branch
    loan.returned_by_id = by.user_id
    loan.bump()
    loan.save(update_fields=["returned_at", "effective_return_at", "return_branch", "returned_by", "version"])


def _tell(
    loan: Loan | None, copy: Copy, branch: Branch, action: str, *, found: bool, by: Actor, now: datetime
) -> None:
    """Write the audit entry and, for a loan, the event, in the transaction of the return."""
    changes = {"copy": str(copy.pk), "branch": branch.code, "action": action, "found": found}
    if loan is None:
        verb = "copy.used_in_house" if action == IN_HOUSE_USE else "copy.handed_in"
        audit.record(action=verb, target=copy, by=by, changes=changes, now=now)
        return
    effective = loan.effective_return_at.isoformat() if loan.effective_return_at else None
    audit.record(
        action="loan.returned", target=loan, by=by, changes={**changes, "effective_at": effective}, now=now
    )
    publish(kind="loan.returned", payload={"loan": loan.pk}, dedupe_key=f"loan.returned:{loan.pk}", now=now)
