"""Making, changing and removing loan rules. Loans that are out keep the snapshot they were made by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import FieldProblem, NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation.errors import RuleNotValid, RuleScopeTaken
from tenant_apps.circulation.models import ItemType, LoanRule
from tenant_apps.circulation.rules import (
    DEFINITIONS,
    LOAN_LIMIT,
    LOAN_PERIOD,
    PARTS,
    Definition,
    value_problem,
)
from tenant_apps.patrons.selectors import PatronCategory

Expectation = Callable[[LoanRule], None]
# Rule name, item type code (None: any), value: what a new library starts with, at any branch for anybody.
STARTING_RULES = ((LOAN_PERIOD, "book", 28), (LOAN_PERIOD, "dvd", 7), (LOAN_LIMIT, None, 20))


def create_rule(
    *,
    name: str,
    value: int | None,
    by: Actor,
    now: datetime,
    branch: Branch | None = None,
    category: PatronCategory | None = None,
    item_type: ItemType | None = None,
) -> LoanRule:
    """Make a rule for a scope whose missing parts mean any. Raises RuleNotValid, RuleScopeTaken."""
    rule = LoanRule(name=name, value=value, branch=branch, category=category, item_type=item_type)
    _check(rule)
    with transaction.atomic():
        with refused_if_taken(RuleScopeTaken):
            rule.save(force_insert=True)
        audit.record(action="loan_rule.created", target=rule, by=by, changes=_described(rule), now=now)
    return rule


def change_rule(
    *, rule_id: int, value: int | None, by: Actor, now: datetime, expect: Expectation | None = None
) -> LoanRule:
    """Give a rule another value; its scope stays. The same value leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version. Raises NotFound,
    RuleNotValid.
    """
    with transaction.atomic():
        rule = _locked(rule_id, expect)
        before = rule.value
        if before == value:
            return rule
        rule.value = value
        _check(rule)
        rule.bump()
        rule.save(update_fields=["value", "version"])
        changes = {**_described(rule), "value": [before, value]}
        audit.record(action="loan_rule.changed", target=rule, by=by, changes=changes, now=now)
    return rule


def delete_rule(*, rule_id: int, by: Actor, now: datetime, expect: Expectation | None = None) -> None:
    """Remove a rule; less specific ones decide its cases from now on. Raises NotFound."""
    with transaction.atomic():
        rule = _locked(rule_id, expect)
        audit.record(action="loan_rule.deleted", target=rule, by=by, changes=_described(rule), now=now)
        rule.delete()


def prepare_library(using: str) -> None:
    """Give a new schema, which has its item types already, rules to lend books and DVDs by."""
    types = dict(ItemType.objects.using(using).values_list("code", "pk"))
    rules = [
        LoanRule(name=name, value=value, item_type_id=types[code] if code else None)
        for name, code, value in STARTING_RULES
    ]
    for rule in rules:
        _check(rule)
    LoanRule.objects.using(using).bulk_create(rules)


def _locked(rule_id: int, expect: Expectation | None) -> LoanRule:
    rules = LoanRule.objects.select_for_update(of=("self",))
    rule = rules.select_related("branch", "category", "item_type").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    if expect is not None:
        expect(rule)
    return rule


def _check(rule: LoanRule) -> None:
    """Raise RuleNotValid unless value and scope suit the name; every fault is listed."""
    definition = DEFINITIONS.get(rule.name)
    if definition is None:
        choices = ", ".join(DEFINITIONS)
        text = _("There is no such rule. Choose one of: %(names)s.") % {"names": choices}
        raise RuleNotValid(errors=[FieldProblem("name", "unknown_rule", text)])
    problems = [*_value_problems(definition, rule.value), *_scope_problems(definition, rule)]
    if problems:
        raise RuleNotValid(errors=problems)


def _value_problems(definition: Definition, value: int | None) -> list[FieldProblem]:
    code = value_problem(definition.name, value)
    if code is None:
        return []
    bounds = {"least": definition.least, "greatest": definition.greatest}
    return [FieldProblem("value", code, _("A whole number from %(least)d to %(greatest)d.") % bounds)]


def _scope_problems(definition: Definition, rule: LoanRule) -> list[FieldProblem]:
    text = _("This rule is not set apart by this.")
    unused = [
        part for part in PARTS if part not in definition.parts and getattr(rule, f"{part}_id") is not None
    ]
    return [FieldProblem(part, "not_in_scope", text) for part in unused]


def _described(rule: LoanRule) -> dict[str, Any]:
    scope = {part: str(row) if (row := getattr(rule, part)) is not None else None for part in PARTS}
    return {"name": rule.name, "value": rule.value, **scope}
