"""Which loan rules decide a checkout: of those that fit, the most specific, by branch, category and item type."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q

from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.patrons.models import Patron
from tests.benchmarks.peers.usual_drf.errors import Refused


def rules_of(patron: Patron) -> list[LoanRule]:
    """Every rule that may concern this patron."""
    return list(LoanRule.objects.filter(Q(category=None) | Q(category=patron.category)))


def deciding(rules: list[LoanRule], name: str, branch_id: int, item_type_id: int) -> LoanRule | None:
    """The rule that decides one name."""
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


def terms(copy: Copy, patron: Patron, branch: Branch) -> tuple[int, dict[str, Any]]:
    """Days and what was decided by. Raises Refused."""
    rules = rules_of(patron)
    names = ("loan_period_days", "loan_limit", "overall_loan_limit")
    period, limit, overall = (deciding(rules, name, branch.pk, copy.item_type_id) for name in names)
    if period is None or period.value is None:
        raise Refused("no_rule")
    check_limits(rules, patron, limit, overall)
    decided = zip(names, (period, limit, overall), strict=True)
    snapshot = {
        name: {"rule": rule.pk if rule else None, "value": rule.value if rule else None}
        for name, rule in decided
    }
    return period.value, {**snapshot, "time_zone": branch.time_zone}


def check_limits(
    rules: list[LoanRule], patron: Patron, limit: LoanRule | None, overall: LoanRule | None
) -> None:
    """Count the patron's open loans against both limits. Raises Refused."""
    loans = list(Loan.objects.filter(patron=patron, returned_at=None).select_related("copy"))
    if limit is not None and limit.value is not None:
        counted = [
            loan
            for loan in loans
            if deciding(rules, "loan_limit", loan.branch_id, loan.copy.item_type_id) == limit
        ]
        if len(counted) >= limit.value:
            raise Refused("limit_reached")
    if overall is not None and overall.value is not None:
        counted = [loan for loan in loans if overall.branch_id in (None, loan.branch_id)]
        if len(counted) >= overall.value:
            raise Refused("limit_reached")


def due_at(now: datetime, days: int, time_zone: str) -> datetime:
    """The last second of the day, by the branch's clock."""
    zone = ZoneInfo(time_zone)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)
