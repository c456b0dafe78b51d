"""Pure rules of circulation: no database, no clock."""

from tenant_apps.circulation.rules.choice import PARTS, Case, Choice, Loser, Rule, choose
from tenant_apps.circulation.rules.dates import due_at
from tenant_apps.circulation.rules.limits import OpenLoans, Reached, reached_limit
from tenant_apps.circulation.rules.names import (
    DEFINITIONS,
    LOAN_LIMIT,
    LOAN_PERIOD,
    OVERALL_LIMIT,
    Definition,
    value_problem,
)
from tenant_apps.circulation.rules.returning import Outcome, outcome

__all__ = [
    "DEFINITIONS",
    "LOAN_LIMIT",
    "LOAN_PERIOD",
    "OVERALL_LIMIT",
    "PARTS",
    "Case",
    "Choice",
    "Definition",
    "Loser",
    "OpenLoans",
    "Outcome",
    "Reached",
    "Rule",
    "choose",
    "due_at",
    "outcome",
    "reached_limit",
    "value_problem",
]
