"""The rule names that exist, what values they take, and what holds where no rule applies."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenant_apps.circulation.rules.choice import PARTS

LOAN_PERIOD = "loan_period_days"
LOAN_LIMIT = "loan_limit"
OVERALL_LIMIT = "overall_loan_limit"


@dataclass(frozen=True, slots=True)
class Definition:
    """One rule name: its least and greatest value, whether it may be blank, and what its scope may name.

    `without_rule` says what holds where no rule applies.
    """

    name: str
    least: int
    greatest: int
    may_be_blank: bool
    parts: tuple[str, ...]
    without_rule: str | Promise


DEFINITIONS = {
    definition.name: definition
    for definition in (
        Definition(LOAN_PERIOD, 1, 3650, False, PARTS, _("Not lendable.")),
        Definition(LOAN_LIMIT, 0, 10_000, True, PARTS, _("Unlimited.")),
        Definition(OVERALL_LIMIT, 0, 10_000, True, ("branch", "category"), _("Unlimited.")),
    )
}


def value_problem(name: str, value: int | None) -> str | None:
    """Return the code of what is wrong with a value of a known rule name, None where it is right."""
    definition = DEFINITIONS[name]
    if value is None:
        return None if definition.may_be_blank else "required"
    return None if definition.least <= value <= definition.greatest else "out_of_range"
