"""GET of loans: filters, scopes, pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.principals import SYSTEM
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.branches.models import Branch
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.services import check_out, return_copy
from tenant_apps.patrons.models import Patron
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CardFactory,
    CopyFactory,
    PatronFactory,
)
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/loans/"


def lend(barcode: str, card: str, branch: str = "main", *, returned: bool = False) -> Loan:
    desk = BranchFactory(code=branch)
    line = check_out(copy_barcode=barcode, card_number=card, branch=desk, by=SYSTEM, now=NOW).loan
    loan = Loan.objects.get(pk=line.pk)
    if returned:
        return_copy(copy_barcode=barcode, branch=desk, by=SYSTEM, now=NOW + dt.timedelta(days=1))
    return loan


@pytest.fixture
def loans(in_north: Any) -> dict[str, Loan]:
    """Ada has three loans, one of them returned and one made at the harbour; Bob has one."""
    for barcode in ("A1", "A2", "A3", "B1"):
        CopyFactory(barcode=barcode)
    ada, bob = PatronFactory(card="ADA"), PatronFactory(card="BOB")
    CardFactory(patron=ada, number="ADA-NEW")
    assert ada.pk != bob.pk
    return {
        "A1": lend("A1", "ADA"),
        "A2": lend("A2", "ADA", returned=True),
        "A3": lend("A3", "ADA-NEW", "harbour"),
        "B1": lend("B1", "BOB"),
    }


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [loan["copy_barcode"] for loan in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["B1", "A3", "A2", "A1"]),
        ({"open": "true"}, ["B1", "A3", "A1"]),
        ({"open": "false"}, ["A2"]),
        ({"card_number": "ADA"}, ["A3", "A2", "A1"]),
        ({"card_number": "ADA-NEW"}, ["A3", "A2", "A1"]),
        ({"card_number": "ADA", "open": "true"}, ["A3", "A1"]),
        ({"copy_barcode": "A2"}, ["A2"]),
        ({"branch": "harbour"}, ["A3"]),
        ({"branch": "nowhere"}, []),
        ({"ordering": "id"}, ["A1", "A2", "A3", "B1"]),
    ],
)
def test_filters(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any, query: dict[str, str], expected: list[str]
) -> None:
    assert found(api(in_north, "librarian").get(URL, query)) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"open": "yes"}, "invalid_parameter"),
        ({"ordering": "card_number"}, "invalid_parameter"),
        ({"card": "ADA"}, "unknown_parameter"),
    ],
)
def test_a_wrong_query_is_refused(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any, query: dict[str, str], code: str
) -> None:
    answer = api(in_north, "librarian").get(URL, query)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_pages_follow_each_other(loans: dict[str, Loan], api: Callable[..., Any], in_north: Any) -> None:
    client = api(in_north, "librarian")

    first = client.get(URL, {"page_size": "3"})
    second = client.get(first.json()["next"])

    assert found(first) + found(second) == ["B1", "A3", "A2", "A1"]
    assert second.json()["next"] is None


def test_open_loans_by_due_date(loans: dict[str, Loan], api: Callable[..., Any], in_north: Any) -> None:
    Loan.objects.filter(pk=loans["B1"].pk).update(due_at=NOW + dt.timedelta(days=90))
    client = api(in_north, "librarian")

    assert found(client.get(URL, {"open": "true", "ordering": "-due_at"}))[0] == "B1"


def test_one_loan_has_an_etag_and_answers_304(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any
) -> None:
    client = api(in_north, "librarian")
    answer = client.get(f"{URL}{loans['A2'].pk}/")

    assert (answer.status_code, answer["ETag"]) == (200, f'"{loans["A2"].pk}.2.json"')
    assert client.get(f"{URL}{loans['A2'].pk}/", HTTP_IF_NONE_MATCH=answer["ETag"]).status_code == 304


def test_staff_of_one_branch_see_the_loans_made_there_alone(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any
) -> None:
    client = api(in_north, librarian_at("harbour"))

    assert found(client.get(URL)) == ["A3"]
    assert client.get(f"{URL}{loans['A3'].pk}/").status_code == 200
    foreign, missing = client.get(f"{URL}{loans['A1'].pk}/"), client.get(f"{URL}999999/")
    assert foreign.status_code == missing.status_code == 404
    assert without_request_id(foreign) == without_request_id(missing)


def without_request_id(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


@pytest.mark.parametrize("role", [None, "reader"])
def test_readers_and_guests_do_not_see_loans(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any, role: str | None
) -> None:
    client = api(in_north, role)
    paths = [URL, f"{URL}{loans['A1'].pk}/", f"/api/v1/patrons/{loans['A1'].patron_id}/loans/"]

    assert {client.get(path).status_code for path in paths} == {401 if role is None else 403}


def test_the_loans_of_a_patron(loans: dict[str, Loan], api: Callable[..., Any], in_north: Any) -> None:
    client = api(in_north, "librarian")
    url = f"/api/v1/patrons/{loans['A1'].patron_id}/loans/"

    assert found(client.get(url)) == ["A3", "A2", "A1"]
    assert found(client.get(url, {"open": "true"})) == ["A3", "A1"]
    assert client.get("/api/v1/patrons/999999/loans/").status_code == 404
    assert client.get("/api/v1/patrons/x/loans/").status_code == 404


def test_the_loans_of_a_patron_of_another_branch_are_not_found(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any
) -> None:
    client = api(in_north, librarian_at("harbour"))
    url = f"/api/v1/patrons/{loans['A1'].patron_id}/loans/"
    assert client.get(url).status_code == 404

    Patron.objects.filter(pk=loans["A1"].patron_id).update(home_branch=BranchFactory(code="harbour"))

    assert found(client.get(url)) == ["A3"]


def test_an_anonymous_loan_is_shown_without_its_patron(
    loans: dict[str, Loan], api: Callable[..., Any], in_north: Any
) -> None:
    Loan.objects.filter(pk=loans["A2"].pk).update(patron=None, card_number="")

    shown = api(in_north, "librarian").get(f"{URL}{loans['A2'].pk}/").json()

    assert (shown["patron"], shown["card_number"], shown["copy_barcode"]) == (None, "", "A2")


@pytest.mark.parametrize("grants", [1, 1_000])
def test_a_page_of_50_loans_for_staff_of_branches_takes_six_queries_at_most(
    in_north: Any, api: Callable[..., Any], grants: int
) -> None:
    """However many roles the caller holds, and with the rows of other branches left out."""
    librarian = Role.objects.get(code="librarian")
    BranchFactory(code="harbour")
    user = librarian_at("harbour")
    branches = Branch.objects.bulk_create(
        Branch(code=f"many-{n}", name=f"Branch {n}", time_zone="Europe/Rome") for n in range(grants - 1)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=user, role=librarian, branch=branch, created_at=NOW) for branch in branches
    )
    patron = PatronFactory(card="C-many")
    harbour, main = (Branch.objects.get(code=code) for code in ("harbour", "main"))
    for number in range(60):
        copy = CopyFactory(barcode=f"M{number}")
        Loan.objects.create(
            copy=copy,
            patron=patron,
            card_number="C-many",
            branch=main if number % 6 == 5 else harbour,
            checked_out_at=NOW,
            due_at=NOW + dt.timedelta(days=28),
        )
    client = api(in_north, user)
    client.get(URL)

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(URL, {"page_size": 50})

    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 50
    assert {row["branch"] for row in answer.json()["results"]} == {"harbour"}
    assert len(queries) <= 6, [query["sql"][:200] for query in queries]
