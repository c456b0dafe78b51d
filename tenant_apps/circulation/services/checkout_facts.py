"""What a checkout decides by, read in one statement under the locks of copy and patron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from saas.core.writes import Statement, Unit
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation.models import Copy, ItemType, Loan, LoanRule, Title
from tenant_apps.circulation.rules import OpenLoans, Rule
from tenant_apps.patrons.selectors import Card, Patron, PatronCategory

# Rules of other branches and types come along: which rule counts a loan depends on them.
_FACTS = Statement(
    """
    SELECT {title.pk}, {title.title}, {item_type.code}, {copy.withdrawn_at}, {copy.lost_at}, {copy.damaged_at},
        {copy.not_for_loan}, {card.lost_at}, {patron.expires_on}, {category.code},
        EXISTS (SELECT FROM {loan} WHERE {loan.copy} = {copy.pk} AND {loan.returned_at} IS NULL),
        (SELECT json_agg(json_build_array({branch.code}, {lent_type.code}, number))::text
            FROM (SELECT {loan.branch}, {lent.item_type}, count(*) AS number
                FROM {loan} JOIN {lent} ON {lent.pk} = {loan.copy}
                WHERE {loan.patron} = {patron.pk} AND {loan.returned_at} IS NULL GROUP BY 1, 2) AS open_loan
            JOIN {branch} ON {branch.pk} = open_loan.{loan:branch}
            JOIN {lent_type} ON {lent_type.pk} = open_loan.{lent:item_type}),
        (SELECT json_agg(json_build_array({rule.pk}, {rule.name}, {rule.value}, {branch.code},
                CASE WHEN {rule.category} IS NOT NULL THEN {category.code} END, {rule_type.code}))::text
            FROM {rule} LEFT JOIN {branch} ON {branch.pk} = {rule.branch}
            LEFT JOIN {rule_type} ON {rule_type.pk} = {rule.item_type}
            WHERE {rule.category} IS NULL OR {rule.category} = {category.pk})
    FROM {copy} JOIN {title} ON {title.pk} = {copy.title} JOIN {item_type} ON {item_type.pk} = {copy.item_type},
        {patron} JOIN {category} ON {category.pk} = {patron.category} JOIN {card} ON {card.patron} = {patron.pk}
    WHERE {copy.pk} = %(copy)s::bigint AND {patron.pk} = %(patron)s::bigint AND {card.number} = %(card_number)s::text
    """,
    title=Title,
    copy=Copy,
    item_type=ItemType,
    card=Card,
    patron=Patron,
    category=PatronCategory,
    loan=Loan,
    lent=Copy,
    lent_type=ItemType,
    branch=Branch,
    rule=LoanRule,
    rule_type=ItemType,
)


@dataclass(frozen=True, slots=True)
class CheckoutFacts:
    """The copy with its title, the patron with the card, and what the limits count; codes, not ids."""

    title_id: int
    title: str
    item_type: str
    withdrawn_at: datetime | None
    lost_at: datetime | None
    damaged_at: datetime | None
    not_for_loan: bool
    card_lost_at: datetime | None
    expires_on: date | None
    category: str
    is_on_loan: bool
    open_loans: OpenLoans
    rules: tuple[Rule, ...]


def read_facts(unit: Unit, values: Mapping[str, object]) -> CheckoutFacts | None:
    """Read them for the values `copy`, `patron` (ids, both locked) and `card_number`; None if the card is gone."""
    row = unit.facts(_FACTS, values)
    if row is None:
        return None
    *plain, open_loans, rules = row
    counted = {(branch, item_type): number for branch, item_type, number in orjson.loads(open_loans or "[]")}
    return CheckoutFacts(*(*plain, counted, tuple(Rule(*rule) for rule in orjson.loads(rules or "[]"))))
