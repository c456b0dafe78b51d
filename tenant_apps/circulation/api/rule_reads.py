"""What the API shows of loan rules, as compiled reads."""

from __future__ import annotations

from saas.core.reads import CompiledRead
from tenant_apps.circulation import selectors
from tenant_apps.circulation.api.rule_serializers import LoanRuleSerializer

RULES = CompiledRead(
    LoanRuleSerializer, selectors.all_rules, ordering=("id", "name"), default_ordering="name"
)
