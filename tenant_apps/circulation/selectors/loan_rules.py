"""Reading loan rules as the pure rules want them, and explaining what they decide."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from tenant_apps.circulation.models import LoanRule
from tenant_apps.circulation.rules import DEFINITIONS, LOAN_PERIOD, Case, Choice, Rule, choose


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the rules decide for a case: one choice for each rule name, in the order of the definitions."""

    case: Case
    choices: tuple[Choice, ...]

    @property
    def lendable(self) -> bool:
        """Whether a loan period is set for the case."""
        return any(choice.name == LOAN_PERIOD and choice.value is not None for choice in self.choices)


def all_rules() -> QuerySet[LoanRule]:
    """Every rule of the library, with the codes of its scope."""
    return LoanRule.objects.select_related("branch", "category", "item_type")


def rules_for_category(category: str) -> list[Rule]:
    """Every rule that may concern a patron of this category, at any branch and for any item type.

    Limits need the rules of other branches and types as well: which rule counts a loan depends on them.
    """
    rows = LoanRule.objects.filter(Q(category=None) | Q(category__code=category))
    columns = ("id", "name", "value", "branch__code", "category__code", "item_type__code")
    return [Rule(*row) for row in rows.values_list(*columns)]


def explain(case: Case) -> Explanation:
    """Say for each rule name which rule decides this case, and which apply and lose, with the reason."""
    rules = rules_for_category(case.category)
    return Explanation(case, tuple(choose(rules, name, case) for name in DEFINITIONS))
