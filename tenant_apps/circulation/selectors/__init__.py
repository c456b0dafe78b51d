"""Reading loans and loan rules."""

from tenant_apps.circulation.selectors.loan_rules import (
    Explanation,
    all_rules,
    explain,
    rules_for_category,
)
from tenant_apps.circulation.selectors.loans import loans_visible_to, matching, open_loan_of_copy

__all__ = [
    "Explanation",
    "all_rules",
    "explain",
    "loans_visible_to",
    "matching",
    "open_loan_of_copy",
    "rules_for_category",
]
