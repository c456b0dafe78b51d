"""The most specific rule wins, and the explanation names the losers (S1)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.circulation.rules import LOAN_LIMIT, LOAN_PERIOD, PARTS, Case, Rule, choose

CHILD_DVD_AT_A = Case("a", "child", "dvd")


def period(id_: int, value: int, **scope: str) -> Rule:
    return Rule(id_, LOAN_PERIOD, value, **scope)


def test_s1_a_rule_of_the_branch_beats_one_of_category_and_type() -> None:
    at_branch = period(1, 14, branch="a")
    for_children = period(2, 3, category="child", item_type="dvd")

    choice = choose([for_children, at_branch], LOAN_PERIOD, CHILD_DVD_AT_A)

    assert (choice.rule, choice.value) == (at_branch, 14)
    assert [(loser.rule, loser.reason) for loser in choice.losers] == [(for_children, "branch_less_specific")]


def test_a_rule_of_the_category_beats_one_of_the_item_type() -> None:
    for_children, for_dvds = period(1, 3, category="child"), period(2, 7, item_type="dvd")

    choice = choose([for_dvds, for_children], LOAN_PERIOD, CHILD_DVD_AT_A)

    assert choice.rule == for_children
    assert [loser.reason for loser in choice.losers] == ["category_less_specific"]


def test_the_item_type_decides_last() -> None:
    anything, for_dvds = period(1, 28), period(2, 7, item_type="dvd")

    choice = choose([anything, for_dvds], LOAN_PERIOD, CHILD_DVD_AT_A)

    assert choice.rule == for_dvds
    assert [loser.reason for loser in choice.losers] == ["item_type_less_specific"]


def test_s2_without_a_rule_that_applies_there_is_no_value() -> None:
    choice = choose([period(1, 14, branch="b"), period(2, 3, category="adult")], LOAN_PERIOD, CHILD_DVD_AT_A)

    assert (choice.rule, choice.value, choice.losers) == (None, None, ())


def test_rules_of_other_names_do_not_decide() -> None:
    limit = Rule(1, LOAN_LIMIT, 5, branch="a", category="child", item_type="dvd")

    assert choose([limit, period(2, 28)], LOAN_PERIOD, CHILD_DVD_AT_A).value == 28


CODES = {"branch": ("a", "b"), "category": ("adult", "child"), "item_type": ("book", "dvd")}
scopes = st.tuples(*(st.sampled_from([None, *CODES[part]]) for part in PARTS))
cases = st.builds(Case, *(st.sampled_from(CODES[part]) for part in PARTS))


@given(st.lists(scopes, unique=True), cases, st.randoms())
def test_choice_is_the_lexicographic_maximum_whatever_the_order(
    wanted: list[tuple[str | None, ...]], case: Case, random: object
) -> None:
    rules = [Rule(at, LOAN_PERIOD, at + 1, *scope) for at, scope in enumerate(wanted)]
    asked = (case.branch, case.category, case.item_type)
    applying = [
        r
        for r, s in zip(rules, wanted, strict=True)
        if all(x in (None, y) for x, y in zip(s, asked, strict=True))
    ]
    # Written independently of the code: branch weighs 4, category 2, item type 1.
    weights = {
        r.id: 4 * (r.branch is not None) + 2 * (r.category is not None) + (r.item_type is not None)
        for r in applying
    }

    choice = choose(rules, LOAN_PERIOD, case)
    shuffled = list(rules)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert choose(shuffled, LOAN_PERIOD, case) == choice
    if not applying:
        assert choice.rule is None
        return
    assert choice.rule is not None
    assert weights[choice.rule.id] == max(weights.values())
    assert {loser.rule for loser in choice.losers} == set(applying) - {choice.rule}
    for loser in choice.losers:
        part = loser.reason.removesuffix("_less_specific")
        assert getattr(choice.rule, part) is not None
        assert getattr(loser.rule, part) is None
