"""How many loans a patron may have at once (domain.md, section 2; scenarios S3 to S6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenant_apps.circulation.rules.choice import Case, Rule, choose
from tenant_apps.circulation.rules.names import LOAN_LIMIT, OVERALL_LIMIT

# (branch code, item type code) of open loans of one patron, and how many there are of each.
OpenLoans = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Reached:
    """A limit that leaves no room for one more loan: the rule, and how many loans count against it."""

    rule: Rule
    limit: int
    count: int


def reached_limit(rules: Sequence[Rule], case: Case, open_loans: OpenLoans) -> Reached | None:
    """Return the limit that refuses one more loan of this case, None where there is room.

    `loan_limit` counts the loans that fall under the very rule that decides this case, so a limit for any
    type does not count loans that a more specific rule decides. `overall_loan_limit` comes after it and
    counts every loan in its scope.
    """
    by_rule = choose(rules, LOAN_LIMIT, case)
    if by_rule.rule is not None and by_rule.value is not None:
        count = sum(
            number
            for (branch, item_type), number in open_loans.items()
            if choose(rules, LOAN_LIMIT, Case(branch, case.category, item_type)).rule == by_rule.rule
        )
        if count >= by_rule.value:
            return Reached(by_rule.rule, by_rule.value, count)
    overall = choose(rules, OVERALL_LIMIT, case)
    if overall.rule is not None and overall.value is not None:
        scope = overall.rule.branch
        count = sum(number for (branch, _type), number in open_loans.items() if scope in (None, branch))
        if count >= overall.value:
            return Reached(overall.rule, overall.value, count)
    return None
