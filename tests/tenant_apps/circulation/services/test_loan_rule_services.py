"""Making, changing, removing and seeding loan rules."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.errors import NotFound, PreconditionFailed
from saas.core.principals import SYSTEM
from shared_apps.audit.models import AuditEntry
from tenant_apps.circulation.errors import RuleNotValid, RuleScopeTaken
from tenant_apps.circulation.models import LoanRule
from tenant_apps.circulation.rules import Case
from tenant_apps.circulation.selectors import explain
from tenant_apps.circulation.services import change_rule, create_rule, delete_rule
from tests.tenant_apps.circulation.factories import NOW, category, everything, item_type, main_branch

pytestmark = pytest.mark.usefixtures("in_north")
START = {("loan_period_days", "book", 28), ("loan_period_days", "dvd", 7), ("loan_limit", None, 20)}


def make(**values: Any) -> LoanRule:
    return create_rule(**{"name": "loan_period_days", "value": 14, "by": SYSTEM, "now": NOW, **values})


def test_a_new_library_lends_books_and_dvds_to_anybody_anywhere() -> None:
    rows = LoanRule.objects.filter(branch=None, category=None).values_list("name", "item_type__code", "value")

    assert set(rows) == START
    assert LoanRule.objects.count() == len(START)


def test_a_rule_is_made_with_an_audit_entry() -> None:
    rule = make(branch=main_branch(), category=category("child"))

    entry = AuditEntry.objects.get(action="loan_rule.created", target_id=str(rule.pk))
    assert entry.changes == {
        "name": "loan_period_days",
        "value": 14,
        "branch": "main",
        "category": "child",
        "item_type": None,
    }


def test_a_scope_has_one_rule_of_a_name_also_where_parts_are_blank() -> None:
    make(branch=main_branch())
    before = everything()

    with pytest.raises(RuleScopeTaken):
        make(branch=main_branch(), value=15)

    assert everything() == before
    assert make(branch=main_branch(), item_type=item_type("dvd")).pk
    assert make(name="loan_limit", branch=main_branch()).pk


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({"name": "loan_period"}, [("name", "unknown_rule")]),
        ({"value": 0}, [("value", "out_of_range")]),
        ({"value": None}, [("value", "required")]),
        ({"name": "loan_limit", "value": -1}, [("value", "out_of_range")]),
    ],
)
def test_a_value_that_does_not_suit_the_name_is_refused(
    values: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    before = everything()

    with pytest.raises(RuleNotValid) as refused:
        make(**values, branch=main_branch())

    assert [(problem.field, problem.code) for problem in refused.value.errors] == faults
    assert everything() == before


def test_an_overall_limit_knows_no_item_types() -> None:
    with pytest.raises(RuleNotValid) as refused:
        make(name="overall_loan_limit", value=-5, item_type=item_type("dvd"))

    assert {(problem.field, problem.code) for problem in refused.value.errors} == {
        ("value", "out_of_range"),
        ("item_type", "not_in_scope"),
    }
    assert make(name="overall_loan_limit", value=5, category=category("child")).pk


def test_a_blank_limit_is_kept_as_unlimited() -> None:
    rule = make(name="loan_limit", value=None, category=category("adult"))

    assert LoanRule.objects.get(pk=rule.pk).value is None


def test_a_change_raises_the_version_and_names_both_values() -> None:
    rule = make(branch=main_branch())

    change_rule(rule_id=rule.pk, value=21, by=SYSTEM, now=NOW)

    rule.refresh_from_db()
    assert (rule.value, rule.version) == (21, 2)
    assert AuditEntry.objects.get(action="loan_rule.changed").changes["value"] == [14, 21]


def test_the_same_value_again_writes_nothing() -> None:
    rule = make(branch=main_branch())
    before = everything()

    change_rule(rule_id=rule.pk, value=14, by=SYSTEM, now=NOW)

    assert everything() == before


def test_a_wrong_value_changes_nothing() -> None:
    rule = make(branch=main_branch())
    before = everything()

    with pytest.raises(RuleNotValid):
        change_rule(rule_id=rule.pk, value=0, by=SYSTEM, now=NOW)

    assert everything() == before


def refuse(rule: LoanRule) -> None:
    raise PreconditionFailed


def test_a_failed_expectation_changes_nothing() -> None:
    rule = make(branch=main_branch())
    before = everything()

    with pytest.raises(PreconditionFailed):
        change_rule(rule_id=rule.pk, value=21, by=SYSTEM, now=NOW, expect=refuse)
    with pytest.raises(PreconditionFailed):
        delete_rule(rule_id=rule.pk, by=SYSTEM, now=NOW, expect=refuse)

    assert everything() == before


def test_a_removed_rule_leaves_its_cases_to_the_next() -> None:
    rule = make(branch=main_branch())
    case = Case("main", "adult", "book")
    assert explain(case).choices[0].value == 14

    delete_rule(rule_id=rule.pk, by=SYSTEM, now=NOW)

    assert explain(case).choices[0].value == 28
    assert AuditEntry.objects.get(action="loan_rule.deleted").changes["value"] == 14


def test_a_rule_that_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        change_rule(rule_id=999_999, value=1, by=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        delete_rule(rule_id=999_999, by=SYSTEM, now=NOW)


def test_explain_says_that_nothing_is_lendable_without_a_period() -> None:
    assert explain(Case("main", "adult", "book")).lendable is True
    assert explain(Case("main", "adult", "globe")).lendable is False
