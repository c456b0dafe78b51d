"""Which loan rules decide a checkout: of those that fit, the most specific, by branch, category and item type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tests.benchmarks.peers.asgi_parts.refusals import Refused

NAMES = ("loan_period_days", "loan_limit", "overall_loan_limit")


class Rule(Protocol):
    """A row of the table of rules."""

    id: Any
    name: Any
    value: Any
    branch_id: Any
    category_id: Any
    item_type_id: Any


class OpenLoan(Protocol):
    """What a limit counts: where it was lent, and what it is."""

    branch_id: Any
    item_type_id: Any


def deciding(rules: Sequence[Rule], name: str, branch_id: int, item_type_id: int) -> Any:
    """The rule that decides one name, None where there is none."""
    fitting = [
        rule
        for rule in rules
        if rule.name == name
        and rule.branch_id in (None, branch_id)
        and rule.item_type_id in (None, item_type_id)
    ]
    return max(
        fitting,
        key=lambda rule: (
            rule.branch_id is not None,
            rule.category_id is not None,
            rule.item_type_id is not None,
        ),
        default=None,
    )


def terms(
    rules: Sequence[Rule],
    loans: Sequence[OpenLoan],
    *,
    branch_id: int,
    item_type_id: int,
    time_zone: str,
    now: datetime,
) -> tuple[datetime, dict[str, Any]]:
    """When the copy is due, and what was decided by. Raises Refused."""
    period, limit, overall = (deciding(rules, name, branch_id, item_type_id) for name in NAMES)
    if period is None or period.value is None:
        raise Refused("no_rule")
    if limit is not None and limit.value is not None:
        counted = sum(
            deciding(rules, "loan_limit", loan.branch_id, loan.item_type_id) is limit for loan in loans
        )
        if counted >= limit.value:
            raise Refused("limit_reached")
    if overall is not None and overall.value is not None:
        counted = sum(overall.branch_id in (None, loan.branch_id) for loan in loans)
        if counted >= overall.value:
            raise Refused("limit_reached")
    snapshot = {
        name: {"rule": rule.id if rule else None, "value": rule.value if rule else None}
        for name, rule in zip(NAMES, (period, limit, overall), strict=True)
    }
    return due_at(now, period.value, time_zone), {**snapshot, "time_zone": time_zone}


def due_at(now: datetime, days: int, time_zone: str) -> datetime:
    """The last second of the day, by the branch's clock."""
    zone = ZoneInfo(time_zone)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)


def require_patron(
    card_lost_at: datetime | None, expires_on: date | None, time_zone: str, now: datetime
) -> None:
    """Raise Refused for a patron who may not borrow."""
    if card_lost_at is not None:
        raise Refused("patron_blocked")
    if expires_on is not None and expires_on < now.astimezone(ZoneInfo(time_zone)).date():
        raise Refused("patron_expired")
