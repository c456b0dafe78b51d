"""What values each rule name takes."""

from __future__ import annotations

import pytest

from tenant_apps.circulation.rules import (
    DEFINITIONS,
    LOAN_LIMIT,
    LOAN_PERIOD,
    OVERALL_LIMIT,
    PARTS,
    value_problem,
)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        (LOAN_PERIOD, 1, None),
        (LOAN_PERIOD, 3650, None),
        (LOAN_PERIOD, 0, "out_of_range"),
        (LOAN_PERIOD, -1, "out_of_range"),
        (LOAN_PERIOD, 3651, "out_of_range"),
        (LOAN_PERIOD, None, "required"),
        (LOAN_LIMIT, None, None),
        (LOAN_LIMIT, 0, None),
        (LOAN_LIMIT, -1, "out_of_range"),
        (OVERALL_LIMIT, None, None),
        (OVERALL_LIMIT, 10_001, "out_of_range"),
    ],
)
def test_values(name: str, value: int | None, problem: str | None) -> None:
    assert value_problem(name, value) == problem


def test_only_the_overall_limit_ignores_item_types() -> None:
    assert {name for name, definition in DEFINITIONS.items() if definition.parts != PARTS} == {OVERALL_LIMIT}
    assert "item_type" not in DEFINITIONS[OVERALL_LIMIT].parts


def test_every_name_says_what_holds_without_a_rule() -> None:
    assert all(str(definition.without_rule) for definition in DEFINITIONS.values())
