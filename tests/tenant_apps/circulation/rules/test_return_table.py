"""Each row of the table of returns, by its number."""

from __future__ import annotations

import re

import pytest

from tenant_apps.circulation.rules import outcome, returning
from tenant_apps.circulation.services.messages import TEXTS

ROWS = {
    (1, True, True, True): ("shelve", ()),
    (1, True, True, False): ("shelve", ()),
    (2, True, False, True): ("transfer", ("transfer_needed",)),
    (2, True, False, False): ("transfer", ("transfer_needed",)),
    (3, False, True, True): ("in_house_use", ("not_on_loan",)),
    (4, False, True, False): ("shelve", ("arrived_home",)),
    (5, False, False, True): ("transfer", ("not_on_loan", "transfer_needed")),
    (5, False, False, False): ("transfer", ("not_on_loan", "transfer_needed")),
}


@pytest.mark.parametrize(("row", "expected"), ROWS.items(), ids=str)
def test_row(row: tuple[int, bool, bool, bool], expected: tuple[str, tuple[str, ...]]) -> None:
    _number, on_loan, home_here, believed_here = row

    found = outcome(on_loan=on_loan, home_here=home_here, believed_here=believed_here)

    assert (found.action, found.messages) == expected


def test_the_table_in_the_documentation_is_the_table_tested() -> None:
    documented = re.findall(
        r"^\| (\d) \| (yes|no) .*\| (\w+) +\| (.*?) *\|$", returning.__doc__ or "", re.MULTILINE
    )

    assert {
        (int(n), on == "yes", action, tuple(codes.split(", ")) if codes else ())
        for n, on, action, codes in documented
    } == {
        (number, on_loan, action, codes) for (number, on_loan, _home, _here), (action, codes) in ROWS.items()
    }


def test_every_message_has_a_text() -> None:
    assert {code for _action, codes in ROWS.values() for code in codes} <= TEXTS.keys()
