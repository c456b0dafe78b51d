"""A person's own page: what they have borrowed, by the clock of the branch, and nobody else's."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tenant_apps.circulation.models import Loan
from tests.pages import Browser, check_outline, open_session, statements_of, text_of
from tests.tenant_apps.circulation.factories import BranchFactory, CardFactory, CopyFactory, PatronFactory
from tests.tenant_apps.circulation.members import librarian_at

pytestmark = pytest.mark.django_db


def borrow(
    patron: Any, title: str, *, due_at: dt.datetime, branch: Any = None, returned: bool = False
) -> Loan:
    """A loan written as a row, due when the test says."""
    return Loan.objects.create(
        copy=CopyFactory(title__title=title, title__language="ita"),
        patron=patron,
        card_number="C-1",
        branch=branch or BranchFactory(code="main"),
        checked_out_at=due_at - dt.timedelta(days=28),
        due_at=due_at,
        returned_at=due_at if returned else None,
    )


@pytest.fixture
def reader(north: Any) -> Any:
    """The patron of north's reader account, in the library."""
    with in_library(north):
        return PatronFactory(
            name="Rita Reader", card="C-1", user=User.objects.get(email="reader@north.example")
        )


def test_it_says_who_one_is(north: Any, reader: Any) -> None:
    with in_library(north):
        CardFactory(patron=reader, number="C-LOST", lost_at=clock.now())
    page = Browser(north, "reader").get("/account/")
    check_outline(page)
    words = text_of(page)
    for part in (
        "Reader of North",
        "reader@north.example",
        "Roles Reader",
        "Library cards C-1",
        "Nothing on loan",
    ):
        assert part in words
    assert "C-LOST" not in words


def test_loans_are_due_by_the_clock_of_their_branch(north: Any, reader: Any) -> None:
    late = dt.datetime(2099, 12, 18, 22, 59, 59, tzinfo=dt.UTC)  # 23:59:59 in Rome, the 19th in Auckland
    with in_library(north):
        auckland = BranchFactory(code="auckland", name="Auckland", time_zone="Pacific/Auckland")
        borrow(reader, "Il nome della rosa", due_at=late)
        borrow(reader, "Baudolino", due_at=late + dt.timedelta(seconds=1), branch=auckland)
        borrow(reader, "Number Zero", due_at=dt.datetime(2020, 1, 1, 22, 59, 59, tzinfo=dt.UTC))
        borrow(reader, "Gone back", due_at=late, returned=True)
        borrow(PatronFactory(), "Somebody else's", due_at=late)
    page = Browser(north, "reader").get("/account/")
    words = text_of(page)
    assert "Number Zero 1 January 2020 overdue Main" in words
    assert "Il nome della rosa 18 December 2099 Main" in words
    assert "Baudolino 19 December 2099 Auckland" in words
    assert words.index("Number Zero") < words.index("Il nome della rosa") < words.index("Baudolino")
    assert "Gone back" not in words
    assert "Somebody else's" not in words
    assert words.count("overdue") == 1
    assert '<th scope="row" lang="it" dir="auto">' in page.content.decode()


def test_an_account_without_a_card_is_told_what_to_do(north: Any) -> None:
    assert "No library card yet" in text_of(Browser(north, "admin").get("/account/"))


def test_a_role_at_one_branch_names_the_branch(north: Any) -> None:
    with in_library(north):
        BranchFactory(code="harbour", name="Harbour")
        person = librarian_at("harbour")
    browser = Browser(north)
    open_session(browser, north, person)
    assert "Roles Librarian (Harbour)" in text_of(browser.get("/account/"))


def test_it_is_in_the_readers_language(north: Any, reader: Any) -> None:
    with in_library(north):
        borrow(reader, "Emma", due_at=dt.datetime(2099, 12, 18, 22, 59, 59, tzinfo=dt.UTC))
    page = Browser(north, "reader").get("/account/", headers={"Accept-Language": "it"})
    check_outline(page, language="it")
    assert "18 dicembre 2099" in text_of(page).lower()


def test_nobody_has_no_account(north: Any) -> None:
    answer = Browser(north).get("/account/")
    assert (answer.status_code, answer["Location"]) == (303, "/sign-in/?next=%2Faccount%2F")


def test_another_library_has_another_account(north: Any, south: Any, reader: Any) -> None:
    with in_library(north):
        borrow(reader, "Only in north", due_at=clock.now())
    assert "Only in north" not in text_of(Browser(south, "reader").get("/account/"))


def test_more_loans_cost_no_more_statements(north: Any, reader: Any) -> None:
    browser = Browser(north, "reader")

    def counted() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get("/account/")
        return len(statements_of(queries))

    with in_library(north):
        borrow(reader, "First", due_at=clock.now())
    once = counted()
    with in_library(north):
        for at in range(4):
            borrow(reader, f"More {at}", due_at=clock.now(), branch=BranchFactory(code=f"b{at}"))
            CardFactory(patron=reader)
    # the session, the person with their rights, their roles, the patron, the cards, the loans
    assert (once, counted()) == (6, 6)
