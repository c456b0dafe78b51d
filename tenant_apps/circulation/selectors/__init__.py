"""Reading loans and loan rules."""

from tenant_apps.circulation.selectors.loan_rules import (
    Explanation,
    all_rules,
    explain,
    rules_for_category,
)
from tenant_apps.circulation.selectors.loans import (
    all_loans,
    export_of_account,
    loan_in_full,
    loan_scope,
    loans_visible_to,
    matching,
    open_loans_of_account,
)

__all__ = [
    "Explanation",
    "all_loans",
    "all_rules",
    "explain",
    "export_of_account",
    "loan_in_full",
    "loan_scope",
    "loans_visible_to",
    "matching",
    "open_loans_of_account",
    "rules_for_category",
]
