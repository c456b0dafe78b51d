"""A scan costs the same whatever the patron has at home, and a page the same whatever is on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import hosts
from tests.tenant_apps.circulation.factories import BranchFactory, CopyFactory, PatronFactory, item_type

CHECKOUT_BUDGET, RETURN_BUDGET = 6, 5


@pytest.fixture
def desk(in_north: Any, api: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    # As in production: the library is not looked up for each request.
    monkeypatch.setattr(hosts, "_cache", hosts.HostCache(10, 60, 60))
    PatronFactory(card="C1")
    client = api(in_north, "librarian")
    client.get("/api/v1/loans/")  # what is loaded once for the process is loaded now
    return client


def lend(desk: Any, barcode: str, branch: str = "main") -> int:
    """Lend a new copy; how many statements that took, those of transactions too."""
    CopyFactory(barcode=barcode, item_type=item_type("dvd" if barcode.endswith("3") else "book"))
    with CaptureQueriesContext(connection) as captured:
        answer = desk.post("/api/v1/loans/", {"copy_barcode": barcode, "card_number": "C1", "branch": branch})
    assert answer.status_code == 201, answer.content
    return len(captured)


def take_back(desk: Any, barcode: str, branch: str = "main") -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = desk.post("/api/v1/returns/", {"copy_barcode": barcode, "branch": branch})
    assert answer.status_code == 201, answer.content
    return len(captured)


def test_a_checkout_costs_the_same_with_one_and_with_ten_open_loans(desk: Any) -> None:
    counts = [lend(desk, f"B{number}") for number in range(11)]

    assert set(counts[1:]) == {counts[1]}
    assert counts[1] <= CHECKOUT_BUDGET


def test_a_checkout_that_moves_the_copy_stays_within_its_budget(desk: Any) -> None:
    BranchFactory(code="harbour")

    assert lend(desk, "B0", "harbour") <= CHECKOUT_BUDGET


def test_a_return_costs_the_same_with_one_and_with_ten_open_loans(desk: Any) -> None:
    for number in range(11):
        lend(desk, f"B{number}")

    counts = [take_back(desk, f"B{number}") for number in range(11)]

    assert set(counts) == {counts[0]}
    assert counts[0] <= RETURN_BUDGET


def test_a_return_elsewhere_stays_within_its_budget(desk: Any) -> None:
    BranchFactory(code="harbour")
    lend(desk, "B0")

    assert take_back(desk, "B0", "harbour") <= RETURN_BUDGET


@pytest.mark.parametrize(
    "path", ["/api/v1/loans/", "/api/v1/patrons/{patron}/loans/", "/api/v1/loans/?open=true&ordering=due_at"]
)
def test_a_page_of_loans_costs_the_same_for_one_and_for_three(desk: Any, path: str) -> None:
    lend(desk, "B0")
    patron = desk.get("/api/v1/loans/").json()["results"][0]["patron"]
    url = path.format(patron=patron)

    counts = []
    for number in (1, 2, 3):
        with CaptureQueriesContext(connection) as captured:
            assert len(desk.get(url).json()["results"]) == number
        counts.append(len(captured))
        lend(desk, f"B{number}")

    assert len(set(counts)) == 1


def test_a_page_of_rules_costs_the_same_for_three_and_for_five(
    api: Callable[..., Any], in_north: Any
) -> None:
    admin = api(in_north, "admin")
    url = "/api/v1/loan-rules/"
    with CaptureQueriesContext(connection) as few:
        assert len(admin.get(url).json()["results"]) == 3
    for category in ("adult", "child"):
        admin.post(url, {"name": "loan_limit", "value": 3, "branch": "main", "category": category})

    with CaptureQueriesContext(connection) as more:
        assert len(admin.get(url).json()["results"]) == 5

    assert len(more) == len(few)
