"""A checkout decides as the pure rules do over what the ORM reads, whatever the rules, loans, copies and cards are.

The reference below reads each thing by its own query, in the order in which refusals are told (domain.md, section 2).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from saas.core.errors import ConfirmationRequired, DomainError
from saas.core.principals import SYSTEM
from tenant_apps.branches.models import Branch
from tenant_apps.catalog.models import Copy
from tenant_apps.circulation import errors, rules
from tenant_apps.circulation.api.serializers import LoanSerializer, represent_line
from tenant_apps.circulation.models import Loan, LoanRule
from tenant_apps.circulation.selectors import explain, rules_for_category
from tenant_apps.circulation.services import Checkout, check_out
from tenant_apps.patrons.models import Card
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CardFactory,
    CopyFactory,
    PatronFactory,
    category,
    item_type,
)

BRANCHES, CATEGORIES, TYPES = ("main", "harbour"), ("adult", "child"), ("book", "dvd")
TODAY = NOW.date()

scope = st.fixed_dictionaries(
    {
        "branch": st.sampled_from([None, *BRANCHES]),
        "category": st.sampled_from([None, *CATEGORIES]),
        "item_type": st.sampled_from([None, *TYPES]),
    }
)
period = st.tuples(st.just("loan_period_days"), st.integers(1, 40), scope)
limit = st.tuples(st.just("loan_limit"), st.none() | st.integers(0, 3), scope)
overall = st.tuples(
    st.just("overall_loan_limit"),
    st.none() | st.integers(0, 4),
    scope.map(lambda s: {**s, "item_type": None}),
)
rule_sets = st.lists(
    st.one_of(period, limit, overall),
    max_size=9,
    unique_by=lambda rule: (rule[0], *map(rule[2].get, rules.PARTS)),
)
# One thing is wrong in half of the cases, two in a few: of several reasons the first is told.
GOOD: dict[str, Any] = {
    "copy": {},
    "card_lost": None,
    "expires_on": None,
    "is_out": False,
    "barcode": "B",
    "card": "C",
    "any_period": True,
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"copy": {"withdrawn_at": NOW}},
    {"copy": {"lost_at": NOW}},
    {"copy": {"damaged_at": NOW}},
    {"copy": {"not_for_loan": True}},
    {"card_lost": NOW},
    {"expires_on": TODAY - dt.timedelta(days=1)},
    {"expires_on": TODAY},
    {"is_out": True},
    {"barcode": "b"},
    {"card": "c"},
    {"any_period": False},
)
faults = st.lists(st.sampled_from(FAULTS), max_size=2) | st.just([])
loans = st.tuples(st.sampled_from(BRANCHES), st.sampled_from(TYPES), st.booleans())
cases = st.fixed_dictionaries(
    {
        "rules": rule_sets,
        "loans": st.lists(loans, max_size=4),
        "type": st.sampled_from(TYPES),
        "category": st.sampled_from(CATEGORIES),
        "at": st.sampled_from(BRANCHES),
        "confirm": st.sampled_from([[], ["copy_damaged"]]),
        "faults": faults,
    }
).map(lambda case: {**GOOD, **case, **dict(pair for fault in case["faults"] for pair in fault.items())})


def prepare(case: dict[str, Any]) -> Branch:
    branches = {code: BranchFactory(code=code, time_zone="Europe/Rome") for code in BRANCHES}
    LoanRule.objects.all().delete()
    if case["any_period"] and not any(name == "loan_period_days" for name, _value, _scope in case["rules"]):
        LoanRule.objects.create(name="loan_period_days", value=28)
    for name, value, where in case["rules"]:
        parts: dict[str, Any] = {"branch": branches.get(where["branch"])}
        parts["category"] = category(where["category"]) if where["category"] else None
        parts["item_type"] = item_type(where["item_type"]) if where["item_type"] else None
        LoanRule.objects.create(name=name, value=value, **parts)
    patron = PatronFactory(category=category(case["category"]), expires_on=case["expires_on"])
    CardFactory(patron=patron, number="C", lost_at=case["card_lost"])
    other = PatronFactory()
    copy = CopyFactory(barcode="B", item_type=item_type(case["type"]), **case["copy"])
    for at, kind, mine in case["loans"]:
        lent(CopyFactory(item_type=item_type(kind)), patron if mine else other, branches[at])
    lent(CopyFactory(item_type=item_type("book")), patron, branches["main"], returned_at=NOW)
    if case["is_out"]:
        lent(copy, other, branches["main"])
    return branches[case["at"]]


def lent(copy: Copy, patron: Any, branch: Branch, **more: Any) -> None:
    due = NOW + dt.timedelta(days=1)
    Loan.objects.create(copy=copy, patron=patron, branch=branch, checked_out_at=NOW, due_at=due, **more)


def reference(case: dict[str, Any], branch: Branch) -> tuple[dt.datetime, dict[str, Any]]:
    """The moment the loan is due and its snapshot. Raises the refusal."""
    copy = Copy.objects.filter(barcode=case["barcode"]).first()
    card = Card.objects.filter(number=case["card"]).first()
    refuse((copy is None, errors.UnknownBarcode), (card is None, errors.UnknownCard))
    patron = card.patron
    refuse(
        (copy.withdrawn_at, errors.CopyWithdrawn),
        (copy.loans.filter(returned_at=None).exists(), errors.CopyOnLoan),
        (copy.lost_at, errors.CopyLost),
        (copy.not_for_loan, errors.CopyNotForLoan),
        (card.lost_at, lambda: errors.PatronBlocked([])),
        (patron.expires_on is not None and patron.expires_on < TODAY, errors.PatronExpired),
    )
    asked = rules.Case(branch.code, patron.category.code, copy.item_type.code)
    choices = {choice.name: choice for choice in explain(asked).choices}
    rows = patron.loans.filter(returned_at=None).values_list("branch__code", "copy__item_type__code")
    days = choices["loan_period_days"].value
    refuse(
        (days is None, errors.NoRule),
        (rules.reached_limit(rules_for_category(asked.category), asked, Counter(rows)), errors.LimitReached),
        (copy.damaged_at and not case["confirm"], lambda: ConfirmationRequired([])),
    )
    snapshot = {
        name: {"rule": choice.rule.id if choice.rule else None, "value": choice.value}
        for name, choice in choices.items()
    }
    return rules.due_at(NOW, days, branch.time_zone), {**snapshot, "time_zone": branch.time_zone}


def refuse(*reasons: tuple[Any, Callable[[], Exception]]) -> None:
    for applies, refusal in reasons:
        if applies:
            raise refusal()


def outcome_of(act: Callable[[], Any]) -> Any:
    """What it returns, or the class of its refusal."""
    try:
        return act()
    except DomainError as refusal:
        return type(refusal)


class _Undone(Exception):
    pass


@pytest.mark.usefixtures("in_north")
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases)
def test_it_decides_as_the_reference(case: dict[str, Any]) -> None:
    with pytest.raises(_Undone), transaction.atomic():
        branch = prepare(case)
        expected = outcome_of(lambda: reference(case, branch))
        before = Loan.objects.count()
        scanned = {"copy_barcode": case["barcode"], "card_number": case["card"], "confirm": case["confirm"]}
        event(expected.__name__ if isinstance(expected, type) else "lent")
        done = outcome_of(lambda: check_out(**scanned, branch=branch, by=SYSTEM, now=NOW))
        if isinstance(done, Checkout):
            loan = Loan.objects.get(pk=done.loan.pk)
            assert represent_line(done.loan) == dict(LoanSerializer(loan).data)
            done = (loan.due_at, loan.rules)
            before += 1
        assert (done, Loan.objects.count()) == (expected, before)
        raise _Undone
