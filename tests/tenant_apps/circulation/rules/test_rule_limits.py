"""How many loans at once: S3, S4, S5."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.circulation.rules import LOAN_LIMIT, OVERALL_LIMIT, Case, Rule, reached_limit

BOOK, DVD = Case("a", "adult", "book"), Case("a", "adult", "dvd")
FIVE_OF_ANYTHING = Rule(2, LOAN_LIMIT, 5)


def test_s3_a_blank_limit_is_unlimited_and_its_loans_do_not_count_elsewhere() -> None:
    rules = [Rule(1, LOAN_LIMIT, None, "a", "adult", "book"), FIVE_OF_ANYTHING]

    assert reached_limit(rules, BOOK, {("a", "book"): 50}) is None
    assert reached_limit(rules, DVD, {("a", "book"): 50, ("a", "dvd"): 4}) is None
    reached = reached_limit(rules, DVD, {("a", "book"): 50, ("a", "dvd"): 5})
    assert reached is not None
    assert (reached.rule, reached.count) == (FIVE_OF_ANYTHING, 5)


@pytest.mark.parametrize(
    ("case", "loans", "refused"),
    [
        pytest.param(DVD, {("a", "dvd"): 2, ("a", "book"): 9}, True, id="third DVD"),
        pytest.param(DVD, {("a", "dvd"): 1, ("a", "book"): 9}, False, id="second DVD"),
        pytest.param(BOOK, {("a", "dvd"): 2, ("a", "book"): 9}, False, id="tenth book"),
        pytest.param(BOOK, {("a", "dvd"): 2, ("a", "book"): 10}, True, id="eleventh book"),
    ],
)
def test_s4_a_limit_for_any_type_does_not_count_what_a_narrower_one_counts(
    case: Case, loans: dict[tuple[str, str], int], refused: bool
) -> None:
    rules = [Rule(1, LOAN_LIMIT, 2, item_type="dvd"), Rule(2, LOAN_LIMIT, 10)]

    assert (reached_limit(rules, case, loans) is not None) is refused


def test_s5_the_overall_limit_comes_after_and_is_the_one_named() -> None:
    overall = Rule(1, OVERALL_LIMIT, 5, category="adult")
    rules = [overall, Rule(2, LOAN_LIMIT, 10, item_type="book")]

    assert reached_limit(rules, BOOK, {("a", "book"): 3, ("b", "dvd"): 1}) is None
    reached = reached_limit(rules, BOOK, {("a", "book"): 3, ("b", "dvd"): 2})
    assert reached is not None
    assert (reached.rule, reached.limit, reached.count) == (overall, 5, 5)


def test_where_both_limits_are_reached_the_narrow_one_is_named() -> None:
    narrow = Rule(2, LOAN_LIMIT, 2, item_type="book")
    reached = reached_limit([Rule(1, OVERALL_LIMIT, 2), narrow], BOOK, {("a", "book"): 2})

    assert reached is not None
    assert reached.rule == narrow


def test_an_overall_limit_of_one_branch_counts_only_loans_made_there() -> None:
    rules = [Rule(1, OVERALL_LIMIT, 3, branch="a")]

    assert reached_limit(rules, BOOK, {("a", "dvd"): 2, ("b", "book"): 9}) is None
    assert reached_limit(rules, BOOK, {("a", "dvd"): 3}) is not None


def test_a_limit_of_another_branch_keeps_its_loans_out_of_the_common_one() -> None:
    rules = [Rule(1, LOAN_LIMIT, 9, branch="b"), FIVE_OF_ANYTHING]

    assert reached_limit(rules, BOOK, {("b", "book"): 8, ("a", "book"): 4}) is None
    assert reached_limit(rules, BOOK, {("b", "book"): 8, ("a", "book"): 5}) is not None


def test_a_limit_of_nought_refuses_the_first() -> None:
    assert reached_limit([Rule(1, LOAN_LIMIT, 0)], BOOK, {}) is not None


@given(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from(["book", "dvd"])), st.integers(0, 30)),
    st.integers(0, 60),
)
def test_one_common_limit_refuses_exactly_when_as_many_are_out(
    loans: dict[tuple[str, str], int], limit: int
) -> None:
    refused = reached_limit([Rule(1, LOAN_LIMIT, limit)], BOOK, loans) is not None

    assert refused is (sum(loans.values()) >= limit)


@given(
    st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from(["book", "dvd"])), st.integers(0, 1000))
)
def test_without_rules_nothing_is_limited(loans: dict[tuple[str, str], int]) -> None:
    assert reached_limit([], BOOK, loans) is None
