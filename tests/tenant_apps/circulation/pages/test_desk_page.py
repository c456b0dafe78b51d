"""The desk in a browser without scripts: scan after scan, each outcome in words, nothing done twice or by the wrong person."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.circulation.models import Copy, Loan
from tests.pages import Browser, check_outline, hidden_fields, open_session, statements_of, text_of
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CopyFactory,
    PatronFactory,
    everything,
    main_branch,
)
from tests.tenant_apps.circulation.members import librarian_at

pytestmark = pytest.mark.django_db
CHECKOUT, RETURN = "/desk/checkouts/", "/desk/returns/"


@pytest.fixture
def rows(north: Any) -> Any:
    """A copy, a damaged one, and a patron with a card."""
    with in_library(north):
        copy = CopyFactory(barcode="30001", title__title="The Name of the Rose")
        CopyFactory(barcode="30002", title__title="Emma", damaged_at=NOW)
        PatronFactory(name="Ada Lovelace", card="C-1001")
    return copy


@pytest.fixture
def desk(north: Any, rows: Any) -> Browser:
    return Browser(north, "librarian")


def lend(desk: Browser, card: str, barcode: str = "", **more: str) -> Any:
    """Fill in the form on the desk's page, send it, and look at the page it leads to."""
    answer = desk.submit("/desk/", {"card": card, "barcode": barcode, **more}, to=CHECKOUT)
    assert (answer.status_code, answer["Location"]) == (303, "/desk/"), text_of(answer)
    return desk.get("/desk/")


def take_back(desk: Browser, barcode: str) -> Any:
    answer = desk.submit("/desk/", {"barcode": barcode}, to=RETURN)
    assert (answer.status_code, answer["Location"]) == (303, "/desk/")
    return desk.get("/desk/")


def focused(page: Any) -> str:
    """The id of the field where the next scan goes."""
    [element] = [attributes for _tag, attributes in check_outline(page).tags if "autofocus" in attributes]
    return str(element["id"])


def value_of(page: Any, identifier: str) -> str:
    [field] = [a for a in check_outline(page).all("input") if a.get("id") == identifier]
    return str(field.get("value", ""))


def business(library: Any) -> dict[str, Any]:
    """Everything but the session itself and the memory of forms."""
    with in_library(library):
        quiet = {"django_session", "delivery_idempotentanswer"}
        return {name: row for name, row in everything().items() if name not in quiet}


# -- lending --------------------------------------------------------------------------------------------------------------


def test_a_card_and_a_copy_make_a_loan(desk: Browser, north: Any) -> None:
    page = lend(desk, "C-1001", "30001")
    with in_library(north):
        loan = Loan.objects.get()
        due = loan.due_at.astimezone(ZoneInfo("Europe/Rome"))
        assert loan.checked_out_by.email == "librarian@north.example"
    words = text_of(page)
    assert "Lent The Name of the Rose" in words
    assert "Ada Lovelace C-1001" in words
    assert f"{due:%A} {due.day} {due:%B %Y}, 23:59" in words
    assert focused(page) == "id_copy", "the next copy for the same patron"
    assert value_of(page, "id_card") == "C-1001"
    assert value_of(page, "id_copy") == ""


def test_a_card_alone_says_whose_it_is(desk: Browser, north: Any) -> None:
    before = business(north)
    page = lend(desk, "C-1001\r\n")
    assert "Lending to Ada Lovelace" in text_of(page)
    assert focused(page) == "id_copy"
    assert business(north) == before


def test_the_next_patron_begins_anew(desk: Browser) -> None:
    lend(desk, "C-1001", "30001")
    page = lend(desk, "C-1001", next_patron="1")
    assert value_of(page, "id_card") == ""
    assert "Ready" in text_of(page)
    assert focused(page) == "id_card"


@pytest.mark.parametrize(
    ("card", "barcode", "words", "field", "kept"),
    [
        ("C-none", "30001", "No patron has a card with this number.", "id_card", ""),
        ("C-none", "", "No patron has a card with this number.", "id_card", ""),
        ("C-1001", "39999", "No copy has this barcode.", "id_copy", "C-1001"),
        ("", "30001", "Scan the patron's card first.", "id_copy", ""),
        ("", "", "Scan the patron's card first.", "id_copy", ""),
        ("C-1001", "3\u00071", "U+0007", "id_copy", "C-1001"),
        ("C-1001", "3" * 65, "no more than 64", "id_copy", "C-1001"),
    ],
)
def test_a_refusal_says_why_and_changes_nothing(
    desk: Browser, north: Any, card: str, barcode: str, words: str, field: str, kept: str
) -> None:
    before = business(north)
    page = lend(desk, card, barcode)
    assert "Not done" in text_of(page)
    assert words in text_of(page)
    assert business(north) == before
    assert value_of(page, "id_card") == kept
    if card:
        assert focused(page) == field


def test_a_copy_that_is_out_is_refused_by_name(desk: Browser, north: Any) -> None:
    lend(desk, "C-1001", "30001")
    before = business(north)
    page = lend(desk, "C-1001", "30001")
    assert "This copy is on loan already. The Name of the Rose" in text_of(page)
    assert business(north) == before


def test_what_wants_a_confirmation_asks_and_then_lends(desk: Browser, north: Any) -> None:
    page = lend(desk, "C-1001", "30002")
    assert "Please confirm This copy is recorded as damaged. Lend it all the same?" in text_of(page)
    with in_library(north):
        assert not Loan.objects.exists()
    form = re.search(
        r'<form method="post" action="/desk/checkouts/">.*?</form>', page.content.decode(), re.DOTALL
    )
    assert form
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form.group()))
    assert (fields["confirm"], fields["card"], fields["barcode"]) == ("copy_damaged", "C-1001", "30002")
    assert desk.post(CHECKOUT, fields).status_code == 303
    assert "Lent Emma" in text_of(desk.get("/desk/"))
    with in_library(north):
        assert Loan.objects.get().copy.barcode == "30002"


# -- returning ------------------------------------------------------------------------------------------------------------


def test_a_return_says_what_to_do_with_the_copy(desk: Browser, north: Any) -> None:
    lend(desk, "C-1001", "30001")
    page = take_back(desk, "30001")
    assert "Returned The Name of the Rose Put it on the shelf." in text_of(page)
    assert focused(page) == "id_return"
    assert value_of(page, "id_card") == "", "who brings a book need not be who borrows next"
    with in_library(north):
        assert Loan.objects.get().returned_at is not None


def test_a_copy_that_was_not_on_loan(desk: Browser) -> None:
    words = text_of(take_back(desk, "30001"))
    assert (
        "Was not on loan The Name of the Rose Counted as used in the library. Put it on the shelf." in words
    )
    assert "This copy was not on loan." in words


def test_a_copy_of_another_branch_is_sent_there(desk: Browser, north: Any) -> None:
    with in_library(north):
        CopyFactory(barcode="30009", home_branch=BranchFactory(code="harbour"))
    desk.submit("/desk/", {"branch": "main"}, to="/desk/branch/")
    words = text_of(take_back(desk, "30009"))
    assert "Send it to branch harbour." in words
    assert "This copy belongs to another branch: send it there." in words


@pytest.mark.parametrize("barcode", ["39999", "", "3\u00071"])
def test_a_return_that_is_refused(desk: Browser, north: Any, barcode: str) -> None:
    before = business(north)
    page = take_back(desk, barcode)
    assert "Not done" in text_of(page)
    assert focused(page) == "id_return"
    assert business(north) == before


# -- twice, and by whom ---------------------------------------------------------------------------------------------------


def test_a_form_sent_twice_lends_once_and_shows_the_loan(desk: Browser, north: Any) -> None:
    fields = {**hidden_fields(desk.get("/desk/"), CHECKOUT), "card": "C-1001", "barcode": "30001"}
    first = desk.post(CHECKOUT, fields)
    before = business(north)
    second = desk.post(CHECKOUT, fields)
    assert (second.status_code, second["Location"]) == (303, first["Location"])
    assert business(north) == before
    assert "Lent The Name of the Rose" in text_of(desk.get("/desk/")), "and not that it is on loan already"


@pytest.mark.parametrize("path", [CHECKOUT, RETURN, "/desk/branch/"])
def test_forms_of_other_sites_do_nothing(desk: Browser, north: Any, path: str) -> None:
    before = business(north)
    answer = desk.post(path, {"card": "C-1001", "barcode": "30001", "branch": "main"})
    assert answer.status_code == 403
    assert business(north) == before


@pytest.mark.parametrize("role", [None, "reader"])
def test_only_who_lends_has_a_desk(north: Any, rows: Any, role: str | None) -> None:
    browser = Browser(north, role)
    before = business(north)
    page = browser.get("/desk/")
    assert page.status_code == (303 if role is None else 403)
    at, form = ("/sign-in/", "/sign-in/") if role is None else ("/account/", "/sign-out/")
    fields = hidden_fields(browser.get(at), form)
    for path in (CHECKOUT, RETURN):
        answer = browser.post(path, {**fields, "card": "C-1001", "barcode": "30001", "branch": "main"})
        assert answer.status_code == (303 if role is None else 403)
    assert business(north) == before


def test_staff_of_one_branch_lend_there_alone(north: Any, rows: Any) -> None:
    with in_library(north):
        BranchFactory(code="harbour", name="Harbour")
        person = librarian_at("harbour")
    desk = Browser(north)
    open_session(desk, north, person)
    page = desk.get("/desk/")
    assert "Desk , Harbour" in text_of(page)
    assert "This desk is at" not in text_of(page), "there is nothing to choose"
    before = business(north)
    fields = {**hidden_fields(page, CHECKOUT), "card": "C-1001", "barcode": "30001"}
    assert desk.post(CHECKOUT, {**fields, "branch": "main"}).status_code == 403
    assert (
        desk.post(RETURN, {**hidden_fields(page, RETURN), "barcode": "30001", "branch": "main"}).status_code
        == 403
    )
    assert desk.post("/desk/branch/", {**fields, "branch": "main"}).status_code == 404
    assert business(north) == before
    assert desk.post(CHECKOUT, fields).status_code == 303
    words = text_of(desk.get("/desk/"))
    assert "Lent The Name of the Rose" in words
    assert "Ada Lovelace" not in words, "a patron of another branch is not theirs to see"


def test_a_branch_is_chosen_once(desk: Browser, north: Any) -> None:
    with in_library(north):
        BranchFactory(code="harbour", name="Harbour")
    page = desk.get("/desk/")
    check_outline(page)
    assert "Where are you?" in text_of(page)
    assert CHECKOUT not in page.content.decode()
    assert desk.submit("/desk/", {"branch": "harbour"}, to="/desk/branch/")["Location"] == "/desk/"
    assert "Desk , Harbour" in text_of(desk.get("/desk/"))
    lend(desk, "C-1001", "30001")
    with in_library(north):
        assert Loan.objects.get().branch.code == "harbour"
    assert desk.submit("/desk/", {"branch": "nowhere"}, to="/desk/branch/").status_code == 404
    assert "Desk , Harbour" in text_of(desk.get("/desk/"))


def test_the_other_library_is_not_at_this_desk(desk: Browser, north: Any, south: Any) -> None:
    with in_library(south):
        CopyFactory(barcode="S-1")
        PatronFactory(name="Southerner", card="C-S")
    before = business(south)
    assert "No copy has this barcode." in text_of(lend(desk, "C-1001", "S-1"))
    assert "No patron has a card with this number." in text_of(lend(desk, "C-S"))
    assert "No copy has this barcode." in text_of(take_back(desk, "S-1"))
    assert business(south) == before


def test_the_session_holds_no_name(desk: Browser, north: Any) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    lend(desk, "C-1001", "30001")
    with in_library(north):
        assert "Ada" not in str(SessionStore(desk.session_key).load())


def test_the_desk_costs_the_same_number_of_statements(desk: Browser, north: Any) -> None:
    lend(desk, "C-1001", "30001")
    with in_library(north):
        patron = PatronFactory(card="C-9")
        for at in range(5):
            copy = CopyFactory(barcode=f"many-{at}")
            Loan.objects.create(
                copy=copy,
                patron=patron,
                card_number="C-9",
                branch=main_branch(),
                checked_out_at=NOW,
                due_at=copy.created_at.replace(year=2027),
            )
        assert Copy.objects.count() > 5
    with CaptureQueriesContext(connection) as queries:
        desk.get("/desk/")
    statements = statements_of(queries)
    # the session, the person with their rights, the branches, the loan that is shown
    assert len(statements) == 4, statements
