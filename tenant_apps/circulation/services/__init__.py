"""Lending, taking back, and the rules for both."""

from tenant_apps.circulation.services.accounts import reason_to_stay
from tenant_apps.circulation.services.checkout import Checkout, check_out
from tenant_apps.circulation.services.lines import LoanLine
from tenant_apps.circulation.services.loan_rules import (
    change_rule,
    create_rule,
    delete_rule,
    prepare_library,
)
from tenant_apps.circulation.services.messages import Message
from tenant_apps.circulation.services.returns import Return, Transfer, return_copy

__all__ = [
    "Checkout",
    "LoanLine",
    "Message",
    "Return",
    "Transfer",
    "change_rule",
    "check_out",
    "create_rule",
    "delete_rule",
    "prepare_library",
    "reason_to_stay",
    "return_copy",
]
