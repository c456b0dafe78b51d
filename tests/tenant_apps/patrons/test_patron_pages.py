"""The list of patrons and the form that registers one, as staff use them in a browser."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.patrons.models import Patron
from tests.pages import Browser, check_outline, hidden_fields, open_session, statements_of, text_of
from tests.tenant_apps.circulation.factories import BranchFactory, CardFactory, PatronFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

pytestmark = pytest.mark.django_db
NEW = "/patrons/new/"
ADA = {
    "name": "Ada Lovelace",
    "card_number": "C-1001",
    "category": "adult",
    "home_branch": "main",
    "email": "ada@example.org",
    "birth_date": "1990-12-10",
    "expires_on": "2030-11-20",
}


def business(library: Any) -> dict[str, Any]:
    with in_library(library):
        quiet = {"django_session", "delivery_idempotentanswer"}
        return {name: row for name, row in everything().items() if name not in quiet}


@pytest.fixture
def staff(north: Any) -> Browser:
    return Browser(north, "librarian")


# -- registering ----------------------------------------------------------------------------------------------------------


def test_a_patron_is_registered_with_a_card(staff: Browser, north: Any) -> None:
    answer = staff.submit(NEW, ADA)
    with in_library(north):
        patron = Patron.objects.get()
        assert [card.number for card in patron.cards.all()] == ["C-1001"]
        assert (patron.name, patron.category.code, patron.email) == (
            "Ada Lovelace",
            "adult",
            "ada@example.org",
        )
        assert (patron.birth_date, patron.expires_on) == (dt.date(1990, 12, 10), dt.date(2030, 11, 20))
    assert (answer.status_code, answer["Location"]) == (303, f"/patrons/?added={patron.pk}")
    words = text_of(staff.get(answer["Location"]))
    assert "Ada Lovelace is registered and can borrow." in words
    assert "Ada Lovelace C-1001 Adult Main until 20 November 2030" in words


def test_a_name_and_a_card_are_enough(staff: Browser, north: Any) -> None:
    fields = {name: ADA[name] for name in ("name", "card_number", "category", "home_branch")}
    assert staff.submit(NEW, fields).status_code == 303
    with in_library(north):
        assert Patron.objects.get().expires_on is None
    assert "does not end" in text_of(staff.get("/patrons/"))


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("name", "", "Name : This field is required."),
        ("card_number", " ", "Card number : This field is required."),
        ("name", "x" * 201, "at most 200 characters"),
        ("name", "Ada\u0007", "U+0007"),
        ("category", "nobility", "Select a valid choice."),
        ("home_branch", "moon", "Select a valid choice."),
        ("email", "ada", "E-mail address : Enter a valid email address."),
        ("birth_date", "tomorrow", "Birth date : Date has wrong format."),
        ("birth_date", "2999-01-01", "Birth date : This date lies in the future."),
        ("card_number", "TAKEN", "Card number : A card with this number exists already."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    staff: Browser, north: Any, field: str, value: str, complaint: str
) -> None:
    with in_library(north):
        CardFactory(number="TAKEN", patron=PatronFactory())
    before = business(north)
    page = staff.submit(NEW, {**ADA, field: value})
    assert page.status_code == 400
    assert complaint in text_of(page)
    outline = check_outline(page)
    assert [a["id"] for _tag, a in outline.tags if "autofocus" in a] == ["errors"]
    kept = {control.get("name"): control.get("value") for control in outline.all("input")}
    assert kept["email" if field != "email" else "name"] == ADA["email" if field != "email" else "name"]
    assert business(north) == before


def test_a_double_click_registers_once(staff: Browser, north: Any) -> None:
    fields = {**hidden_fields(staff.get(NEW), NEW), **ADA}
    first, second = staff.post(NEW, fields), staff.post(NEW, fields)
    assert first["Location"] == second["Location"]
    with in_library(north):
        assert Patron.objects.count() == 1


def test_a_form_of_another_site_registers_nobody(staff: Browser, north: Any) -> None:
    before = business(north)
    assert staff.post(NEW, ADA).status_code == 403
    assert business(north) == before


def test_staff_of_a_branch_register_there_alone(north: Any) -> None:
    with in_library(north):
        BranchFactory(code="harbour", name="Harbour")
        person = librarian_at("harbour")
        PatronFactory(name="Somebody of Main", card="C-M")
    browser = Browser(north)
    open_session(browser, north, person)
    page = browser.get(NEW)
    assert ">Main</option>" not in page.content.decode()
    before = business(north)
    fields = {**hidden_fields(page, NEW), **ADA}
    assert browser.post(NEW, fields).status_code == 400
    assert business(north) == before
    assert browser.post(NEW, {**fields, "home_branch": "harbour"}).status_code == 303
    words = text_of(browser.get("/patrons/"))
    assert "Ada Lovelace" in words
    assert "Somebody of Main" not in words


# -- the list -------------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do(staff: Browser) -> None:
    page = staff.get("/patrons/")
    check_outline(page)
    assert "No patrons yet" in text_of(page)
    assert f'href="{NEW}"' in page.content.decode()


def test_patrons_are_found_by_name_and_by_card(staff: Browser, north: Any) -> None:
    with in_library(north):
        PatronFactory(name="Ada Lovelace", card="C-1001")
        PatronFactory(name="Grace Hopper", card="C-2002")
        CardFactory(
            patron=Patron.objects.get(name="Ada Lovelace"), number="OLD-1", lost_at=dt.datetime.now(dt.UTC)
        )
    for text, found in (("lovel", "Ada Lovelace"), ("C-2", "Grace Hopper"), ("OLD", "Ada Lovelace")):
        words = text_of(staff.get("/patrons/", {"search": text}))
        assert found in words
        assert ("Ada" in words) is (found == "Ada Lovelace")
    assert "OLD-1 lost" in text_of(staff.get("/patrons/"))


@pytest.mark.parametrize("text", ["nobody", "%", "\u0000", "x" * 400, "<script>alert(1)</script>"])
def test_a_search_without_hits_keeps_what_was_typed(staff: Browser, north: Any, text: str) -> None:
    with in_library(north):
        PatronFactory(name="Ada Lovelace", card="C-1001")
    page = staff.get("/patrons/", {"search": text})
    assert page.status_code == 200
    assert "Nobody found" in text_of(page)
    assert "<script>alert" not in page.content.decode()


def test_the_list_goes_on(staff: Browser, north: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenant_apps.patrons.pages.PAGE_SIZE", 2)
    with in_library(north):
        for at in range(3):
            PatronFactory(name=f"Patron {at}", card=f"C-{at}")
    first = staff.get("/patrons/")
    assert "Patron 2" not in text_of(first)
    [forward] = [a["href"] for a in check_outline(first).all("a") if a.get("rel") == "next"]
    assert "Patron 2" in text_of(staff.get(str(forward)))
    assert staff.get("/patrons/?cursor=forged").status_code == 400


def test_the_list_is_for_staff(north: Any) -> None:
    with in_library(north):
        PatronFactory(name="Ada Lovelace", card="C-1001")
    for role, status in ((None, 303), ("reader", 403)):
        for path in ("/patrons/", "/patrons/?added=1", NEW):
            answer = Browser(north, role).get(path)
            assert answer.status_code == status
            assert b"Ada" not in answer.content


def test_who_was_added_elsewhere_is_nobody_here(staff: Browser, north: Any, south: Any) -> None:
    with in_library(south):
        for _at in range(3):
            stranger = PatronFactory(name="Southerner")
    assert "Southerner" not in text_of(staff.get(f"/patrons/?added={stranger.pk}"))
    for value in ("x", "0", "-1", "9" * 30):
        assert staff.get("/patrons/", {"added": value}).status_code == 200


def test_more_patrons_cost_no_more_statements(staff: Browser, north: Any) -> None:
    def counted() -> int:
        with CaptureQueriesContext(connection) as queries:
            staff.get("/patrons/")
        return len(statements_of(queries))

    with in_library(north):
        PatronFactory(card="C-1")
    once = counted()
    with in_library(north):
        for at in range(5):
            PatronFactory(card=f"C-more-{at}", home_branch__code=f"b{at}")
    # the session, the person with their rights, the patrons, their cards
    assert (once, counted()) == (4, 4)
