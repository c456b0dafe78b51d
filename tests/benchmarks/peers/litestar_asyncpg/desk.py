"""Checkout and return: lock, read the facts in one statement, decide, write in one statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from asyncpg import Connection, Record
from litestar import Request, post

from tests.benchmarks.peers.asgi_parts import loan_rules
from tests.benchmarks.peers.asgi_parts.permissions import Caller
from tests.benchmarks.peers.asgi_parts.refusals import Refused
from tests.benchmarks.peers.litestar_asyncpg import statements
from tests.benchmarks.peers.litestar_asyncpg.answers import (
    Checkout,
    Lent,
    Loan,
    LoanTitle,
    Return,
    Returned,
    Way,
    open_loans_of,
    rules_of,
)
from tests.benchmarks.peers.litestar_asyncpg.session import rate_limits

Asked = Request[Caller, Any, Any]


@post("/api/v1/loans/", status_code=201)
async def lend(request: Asked, data: Checkout) -> Lent:
    """Lend a copy."""
    connection: Connection = request.state.db
    branch = await branch_of(request, data.branch)
    now = datetime.now(UTC)
    async with connection.transaction():
        copy_id = await connection.fetchval(statements.LOCK_COPY, data.copy_barcode)
        if copy_id is None:
            raise Refused("unknown_barcode", 404)
        patron_id = await connection.fetchval(statements.LOCK_PATRON, data.card_number)
        if patron_id is None:
            raise Refused("unknown_card", 404)
        facts = await connection.fetchrow(statements.CHECKOUT_FACTS, copy_id, patron_id, data.card_number)
        if facts is None:
            raise Refused("unknown_card", 404)
        due_at, decided = terms(facts, branch, now, data.confirm)
        changes = {
            "copy": str(copy_id),
            "patron": str(patron_id),
            "branch": data.branch,
            "due_at": due_at.isoformat(),
            "confirmed": sorted(set(data.confirm)),
        }
        loan_id = await connection.fetchval(
            statements.LEND,
            copy_id,
            patron_id,
            data.card_number,
            branch["id"],
            now,
            request.user.id,
            due_at,
            as_json(decided),
            request.state.request_id,
            as_json(changes),
        )
        if loan_id is None:
            raise Refused("copy_on_loan")
    await rate_limits.wake(request.state.library)
    title = LoanTitle(facts["title_id"], facts["title"])
    loan = Loan(loan_id, data.copy_barcode, title, str(patron_id), data.card_number, data.branch, now, due_at)
    return Lent(loan, [])


def terms(
    facts: Record, branch: Record, now: datetime, confirmed: list[str]
) -> tuple[datetime, dict[str, Any]]:
    """When the copy is due and what decided it. Raises Refused."""
    if facts["withdrawn_at"] is not None:
        raise Refused("copy_withdrawn")
    if facts["is_on_loan"]:
        raise Refused("copy_on_loan")
    if facts["lost_at"] is not None:
        raise Refused("copy_lost")
    if facts["not_for_loan"]:
        raise Refused("copy_not_for_loan")
    loan_rules.require_patron(facts["card_lost_at"], facts["expires_on"], branch["time_zone"], now)
    found = loan_rules.terms(
        rules_of(facts["rules"]),
        open_loans_of(facts["loans"]),
        branch_id=branch["id"],
        item_type_id=facts["item_type_id"],
        time_zone=branch["time_zone"],
        now=now,
    )
    if facts["damaged_at"] is not None and "copy_damaged" not in confirmed:
        raise Refused("confirmation_required")
    return found


@post("/api/v1/returns/", status_code=201)
async def take_back(request: Asked, data: Return) -> Returned:
    """Take a copy back."""
    connection: Connection = request.state.db
    branch = await branch_of(request, data.branch)
    now = datetime.now(UTC)
    async with connection.transaction():
        copy_id = await connection.fetchval(statements.LOCK_COPY, data.copy_barcode)
        if copy_id is None:
            raise Refused("unknown_barcode", 404)
        facts = await connection.fetchrow(statements.RETURN_FACTS, copy_id)
        if facts["loan_id"] is None and facts["withdrawn_at"] is not None:
            raise Refused("copy_withdrawn")
        action, way, messages = outcome(facts, branch)
        effective = data.effective_at or now
        changes = {
            "copy": str(copy_id),
            "branch": data.branch,
            "action": action,
            "found": facts["lost_at"] is not None,
            "effective_at": effective.isoformat(),
        }
        closing = (request.user.id, request.state.request_id, as_json(changes))
        if facts["loan_id"] is None:
            await connection.fetchval(statements.HAND_IN, copy_id, branch["id"], now, *closing)
        else:
            await connection.fetchval(
                statements.CLOSE, facts["loan_id"], copy_id, now, effective, branch["id"], *closing
            )
    if facts["loan_id"] is None:
        return Returned(None, action, way, messages)
    await rate_limits.wake(request.state.library)
    loan = Loan(
        str(facts["loan_id"]),
        data.copy_barcode,
        LoanTitle(facts["title_id"], facts["title"]),
        facts["patron"],
        facts["card_number"],
        facts["branch"],
        facts["checked_out_at"],
        facts["due_at"],
        facts["renewals"],
        now,
        effective,
        data.branch,
    )
    return Returned(loan, action, way, messages)


def outcome(facts: Record, branch: Record) -> tuple[str, Way | None, list[str]]:
    """What to do with the copy, the way to take, and codes of messages."""
    on_loan = facts["loan_id"] is not None
    messages = [] if on_loan else ["not_on_loan"]
    if facts["home_branch_id"] == branch["id"]:
        used_here = not on_loan and facts["current_branch_id"] == branch["id"]
        return "in_house_use" if used_here else "shelve", None, messages
    return "transfer", Way(branch["code"], facts["home_branch"]), [*messages, "transfer_needed"]


async def branch_of(request: Asked, code: str) -> Record:
    """The branch where the caller may lend. Raises Refused."""
    branch = await request.state.db.fetchrow(statements.BRANCH, code)
    if branch is None:
        raise Refused("validation_failed", 400)
    request.user.require("circulation.lend", code)
    return branch


def as_json(value: Any) -> str:
    """The value as PostgreSQL takes it."""
    return msgspec.json.encode(value).decode()
