"""Checkout and return: row locks, the rules, the audit entry and the outbox row in one unit of work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, load_only

from tests.benchmarks.peers.asgi_parts import loan_rules
from tests.benchmarks.peers.asgi_parts.permissions import Caller
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.fastapi_sqlalchemy.answers import Checkout, Lent, Return, Returned, Way
from tests.benchmarks.peers.fastapi_sqlalchemy.session import Session, Somebody, rate_limits
from tests.benchmarks.peers.fastapi_sqlalchemy.tables import (
    AuditEntry,
    Branch,
    Card,
    Copy,
    Loan,
    LoanRule,
    OutboxMessage,
    Patron,
    Title,
)

router = APIRouter(prefix="/api/v1")


@router.post("/loans/", status_code=201)
async def lend(request: Request, body: Checkout, session: Session, caller: Somebody) -> Lent:
    """Lend a copy."""
    branch = await branch_of(session, caller, body.branch)
    copy = await locked_copy(session, body.copy_barcode)
    found = await session.execute(
        select(Patron, Card)
        .join(Card, Card.patron_id == Patron.id)
        .where(Card.number == body.card_number)
        .with_for_update(of=Patron, key_share=True)
    )
    row = found.first()
    if row is None:
        raise Refused("unknown_card", 404)
    patron, card = row
    now = datetime.now(UTC)
    await require_lendable(session, copy)
    loan_rules.require_patron(card.lost_at, patron.expires_on, branch.time_zone, now)
    due_at, decided = await terms(session, copy, patron, branch, now)
    if copy.damaged_at is not None and "copy_damaged" not in body.confirm:
        raise Refused("confirmation_required")
    loan = Loan(
        copy=copy,
        patron_id=patron.id,
        card_number=body.card_number,
        branch=branch,
        return_branch=None,
        checked_out_at=now,
        checked_out_by_id=caller.id,
        due_at=due_at,
        rules=decided,
    )
    session.add(loan)
    place(copy, branch)
    await session.flush()
    changes = {"copy": str(copy.id), "patron": str(patron.id), "due_at": due_at.isoformat()}
    changes |= {"branch": branch.code, "confirmed": sorted(set(body.confirm))}
    record(session, request, caller, "loan.created", loan, changes, now)
    answer = Lent.model_validate({"loan": loan, "messages": []})
    await session.commit()
    await rate_limits.wake(request.state.library)
    return answer


async def require_lendable(session: AsyncSession, copy: Copy) -> None:
    """Raise Refused for a copy that cannot be lent."""
    if copy.withdrawn_at is not None:
        raise Refused("copy_withdrawn")
    if await session.scalar(select(Loan.id).where(Loan.copy_id == copy.id, Loan.returned_at.is_(None))):
        raise Refused("copy_on_loan")
    if copy.lost_at is not None:
        raise Refused("copy_lost")
    if copy.not_for_loan:
        raise Refused("copy_not_for_loan")


async def terms(
    session: AsyncSession, copy: Copy, patron: Patron, branch: Branch, now: datetime
) -> tuple[datetime, dict[str, Any]]:
    """When the copy is due, and what decided it. Raises Refused."""
    of_category = or_(LoanRule.category_id.is_(None), LoanRule.category_id == patron.category_id)
    rules = (await session.scalars(select(LoanRule).where(of_category))).all()
    open_loans = (
        select(Loan.branch_id, Copy.item_type_id)
        .join(Copy, Copy.id == Loan.copy_id)
        .where(Loan.patron_id == patron.id, Loan.returned_at.is_(None))
    )
    return loan_rules.terms(
        rules,
        (await session.execute(open_loans)).all(),
        branch_id=branch.id,
        item_type_id=copy.item_type_id,
        time_zone=branch.time_zone,
        now=now,
    )


@router.post("/returns/", status_code=201)
async def take_back(request: Request, body: Return, session: Session, caller: Somebody) -> Returned:
    """Take a copy back."""
    branch = await branch_of(session, caller, body.branch)
    copy = await locked_copy(session, body.copy_barcode)
    found = select(Loan).where(Loan.copy_id == copy.id, Loan.returned_at.is_(None))
    loan = await session.scalar(found.options(joinedload(Loan.branch)))
    if loan is None and copy.withdrawn_at is not None:
        raise Refused("copy_withdrawn")
    action, way, messages = outcome(copy, branch, on_loan=loan is not None)
    now = datetime.now(UTC)
    changes = {"copy": str(copy.id), "branch": branch.code, "action": action}
    place(copy, branch)
    if loan is None:
        record(session, request, caller, "copy.handed_in", copy, changes, now)
        await session.commit()
        return Returned(loan=None, action=action, transfer=way, messages=messages)
    loan.copy = copy  # with its title, which the answer shows
    loan.returned_at, loan.effective_return_at = now, body.effective_at or now
    loan.return_branch, loan.returned_by_id = branch, caller.id
    loan.version += 1
    record(session, request, caller, "loan.returned", loan, changes, now)
    answer = Returned.model_validate({"loan": loan, "action": action, "transfer": way, "messages": messages})
    await session.commit()
    await rate_limits.wake(request.state.library)
    return answer


def outcome(copy: Copy, branch: Branch, *, on_loan: bool) -> tuple[str, Way | None, list[str]]:
    """What to do with the copy, the way to take, and codes of messages."""
    messages = [] if on_loan else ["not_on_loan"]
    if copy.home_branch_id == branch.id:
        used_here = not on_loan and copy.current_branch_id == branch.id
        return "in_house_use" if used_here else "shelve", None, messages
    way = Way(from_branch=branch.code, to_branch=copy.home_branch.code)
    return "transfer", way, [*messages, "transfer_needed"]


async def branch_of(session: AsyncSession, caller: Caller, code: str) -> Branch:
    """The branch where the caller may lend. Raises Refused."""
    branch = await session.scalar(select(Branch).where(Branch.code == code))
    if branch is None:
        raise Refused("validation_failed", 400)
    caller.require("circulation.lend", code)
    return branch


async def locked_copy(session: AsyncSession, barcode: str) -> Copy:
    """The copy, locked, with what the answer shows of it. Raises Refused."""
    copies = (
        select(Copy)
        .where(Copy.barcode == barcode)
        .options(
            joinedload(Copy.title, innerjoin=True).options(load_only(Title.id, Title.title)),
            joinedload(Copy.home_branch, innerjoin=True),
        )
        .with_for_update(of=Copy, key_share=True)
    )
    copy = await session.scalar(copies)
    if copy is None:
        raise Refused("unknown_barcode", 404)
    return copy


def place(copy: Copy, branch: Branch) -> None:
    """Note where the copy is."""
    if copy.current_branch_id != branch.id or copy.lost_at is not None:
        copy.current_branch_id, copy.lost_at = branch.id, None
        copy.version += 1


def record(
    session: AsyncSession,
    request: Request,
    caller: Caller,
    action: str,
    target: Loan | Copy,
    changes: dict[str, Any],
    now: datetime,
) -> None:
    """The audit entry and, for a loan, the message that follows it."""
    kind = "loan" if isinstance(target, Loan) else "copy"
    session.add(
        AuditEntry(
            at=now,
            action=action,
            target_type="circulation.loan" if kind == "loan" else "catalog.copy",
            target_id=str(target.id),
            actor_user_id=caller.id,
            request_id=request.state.request_id,
            changes=changes,
        )
    )
    if kind == "loan":
        session.add(
            OutboxMessage(
                kind=action,
                payload={"loan": target.id},
                dedupe_key=f"{action}:{target.id}",
                created_at=now,
                available_at=now,
            )
        )
