"""Plans hang together, whoever edits them."""

from __future__ import annotations

from dataclasses import astuple
from decimal import Decimal
from itertools import pairwise

import pytest

from shared_apps.entitlements import selectors
from shared_apps.entitlements.errors import UnknownPlan


def test_the_plans_on_offer() -> None:
    assert selectors.plan_codes() == ("free", "starter", "pro", "consortium")
    assert [plan.code for plan in selectors.all_plans()] == list(selectors.plan_codes())


def test_each_plan_is_larger_and_dearer_than_the_one_before() -> None:
    plans = selectors.all_plans()
    for smaller, larger in pairwise(plans):
        assert all(b > a for a, b in zip(astuple(smaller.limits), astuple(larger.limits), strict=True))
        for currency in ("EUR", "USD"):
            assert larger.prices[currency]["monthly"] > smaller.prices[currency]["monthly"]


def test_prices_are_exact_and_a_year_costs_ten_months() -> None:
    for plan in selectors.all_plans():
        assert set(plan.prices) == {"EUR", "USD"}
        for by_interval in plan.prices.values():
            assert all(isinstance(amount, Decimal) for amount in by_interval.values())
            assert by_interval["yearly"] == 10 * by_interval["monthly"]


def test_a_paid_plan_starts_on_trial_and_the_free_one_does_not() -> None:
    assert selectors.first_status("free") == "active"
    assert selectors.plan("free").trial_days == 0
    for code in ("starter", "pro", "consortium"):
        assert selectors.first_status(code) == "trialing"
        assert selectors.plan(code).trial_days == 30


def test_limits_cannot_be_changed_at_run_time() -> None:
    plan = selectors.plan("free")
    with pytest.raises(AttributeError):
        plan.limits.titles = 10**9  # type: ignore[misc]
    with pytest.raises(TypeError):
        plan.prices["EUR"]["monthly"] = Decimal(1)  # type: ignore[index]


def test_the_rate_limit_of_a_plan_is_for_a_minute() -> None:
    assert selectors.rate_limit("free") == (1_200, 60)
    assert selectors.rate_limit("pro")[0] > selectors.rate_limit("starter")[0]


@pytest.mark.parametrize("code", ["", "FREE", "gold", "free "])
def test_an_unknown_plan_is_an_error_with_a_code(code: str) -> None:
    for ask in (selectors.plan, selectors.first_status, selectors.rate_limit):
        with pytest.raises(UnknownPlan) as caught:
            ask(code)
        assert (caught.value.code, caught.value.status) == ("unknown_plan", 404)
