"""Signing in and out in a browser: the same checks as the API's, and a session that nothing else can be or become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import LibraryContext, in_library
from shared_apps.accounts import services
from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEntry
from tests.pages import PASSWORD, Browser, check_outline, hidden_fields, text_of
from tests.tenant_apps.circulation.factories import PatronFactory, everything

pytestmark = pytest.mark.django_db
LIBRARIAN = "librarian@north.example"


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.get("/account/").status_code == 200)


def rows(library: LibraryContext) -> dict[str, Any]:
    """Everything but what a refused attempt is recorded in."""
    with in_library(library):
        return {
            name: row for name, row in everything().items() if not name.startswith(("audit_", "security_"))
        }


# -- the page -------------------------------------------------------------------------------------------------------------


def test_the_page_can_be_filled_in_by_everybody(north: Any) -> None:
    page = Browser(north).get("/sign-in/")
    outline = check_outline(page)
    names = {control.get("name"): control for control in outline.all("input")}
    assert names["identifier"]["autocomplete"] == "username"
    assert names["password"]["autocomplete"] == "current-password"
    assert "otp" not in names, "the code is asked for only where an account needs one"
    assert page["Cache-Control"] == "no-store, private"


def test_the_right_password_opens_a_session(north: Any) -> None:
    browser = Browser(north)
    answer = browser.sign_in(LIBRARIAN)
    assert (answer.status_code, answer["Location"]) == (303, "/account/")
    cookie = answer.cookies[django_settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["domain"]
    assert "Librarian of North" in text_of(browser.get("/account/"))
    with in_library(north):
        entry = AuditEntry.objects.filter(action="session.started").latest("pk")
        assert entry.changes == {"with": "email"}


def test_a_card_number_will_do(north: Any) -> None:
    with in_library(north):
        reader = User.objects.get(email="reader@north.example")
        PatronFactory(card="C-77", user=reader)
    browser = Browser(north)
    assert browser.sign_in("C-77").status_code == 303
    assert "Reader of North" in text_of(browser.get("/account/"))


@pytest.mark.parametrize(
    ("identifier", "password"),
    [
        (LIBRARIAN, "wrong"),
        ("nobody@north.example", PASSWORD),
        ("C-none", PASSWORD),
        (LIBRARIAN, f"{PASSWORD} "),
    ],
)
def test_whatever_is_wrong_is_told_in_the_same_words(north: Any, identifier: str, password: str) -> None:
    before = rows(north)
    browser = Browser(north)
    page = browser.sign_in(identifier, password)
    assert page.status_code == 400
    outline = check_outline(page)
    assert "The address or card number and the password do not match an account." in text_of(page)
    summary = [a for _tag, a in outline.tags if a.get("class") == "error-summary"]
    assert summary[0]["role"] == "alert"
    assert "autofocus" in summary[0]
    fields = {control.get("name"): control for control in outline.all("input")}
    assert fields["identifier"]["value"] == identifier, "what was typed is kept"
    assert "value" not in fields["password"], "but for the password"
    assert not is_signed_in(browser)
    assert rows(north) == before


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"identifier": "", "password": ""}, "This field is required."),
        ({"identifier": "x\u0007@north.example", "password": PASSWORD}, "U+0007"),
        ({"identifier": "x" * 300, "password": PASSWORD}, "at most 254"),
        ({"identifier": LIBRARIAN, "password": "x" * 300}, "at most 256"),
    ],
)
def test_what_cannot_be_right_is_said_at_its_field(
    north: Any, fields: dict[str, str], complaint: str
) -> None:
    page = Browser(north).submit("/sign-in/", fields)
    assert page.status_code == 400
    assert complaint in text_of(page)
    check_outline(page)


def test_a_form_of_another_site_is_refused(north: Any) -> None:
    browser = Browser(north)
    answer = browser.post("/sign-in/", {"identifier": LIBRARIAN, "password": PASSWORD})
    assert answer.status_code == 403
    assert not is_signed_in(browser)


def test_guessing_is_slowed_as_at_the_api(north: Any, limits: Any) -> None:
    browser = Browser(north)
    for _attempt in range(3):
        assert browser.sign_in(LIBRARIAN, "wrong").status_code == 400
    page = browser.sign_in(LIBRARIAN)
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0
    check_outline(page)
    assert not is_signed_in(browser)


def test_an_account_with_a_second_factor_is_asked_for_its_code(
    north: Any, person: Callable[..., Any]
) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    with in_library(north):
        user = person("nora")
    with in_library(north):
        code = RecoveryCodes.activate(user).get_unused_codes()[0]
    browser = Browser(north)
    page = browser.sign_in("nora@north.example")
    assert page.status_code == 400
    assert "the code of your authenticator app" in text_of(page)
    assert "one-time-code" in {control.get("autocomplete") for control in check_outline(page).all("input")}
    refused = browser.sign_in("nora@north.example", otp="000000")
    assert "This code is not valid any more." in text_of(refused)
    assert not is_signed_in(browser)
    assert browser.sign_in("nora@north.example", otp=code).status_code == 303
    assert is_signed_in(browser)


# -- where it leads -------------------------------------------------------------------------------------------------------


def test_a_page_that_needs_an_account_is_come_back_to(north: Any) -> None:
    browser = Browser(north)
    sent = browser.get("/patrons/?search=ada")
    assert (sent.status_code, sent["Location"]) == (303, "/sign-in/?next=%2Fpatrons%2F%3Fsearch%3Dada")
    page = browser.get(sent["Location"])
    fields = {**hidden_fields(page, "/sign-in/"), "identifier": LIBRARIAN, "password": PASSWORD}
    assert browser.post("/sign-in/", fields)["Location"] == "/patrons/?search=ada"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
        "/\t/evil.example",
        "account/",
        "/sign-in/?next=/",
        "/sign-out/",
        "/" + "x" * 3000,
    ],
)
def test_it_leads_to_no_other_site(north: Any, elsewhere: str) -> None:
    browser = Browser(north)
    fields = {"identifier": LIBRARIAN, "password": PASSWORD, "next": elsewhere}
    assert browser.submit("/sign-in/", fields)["Location"] == "/account/"
    assert browser.get("/sign-in/", {"next": elsewhere})["Location"] == "/account/"


def test_who_has_signed_in_is_led_on(north: Any) -> None:
    assert Browser(north, "reader").get("/sign-in/?next=/titles/1/")["Location"] == "/titles/1/"


# -- the session ----------------------------------------------------------------------------------------------------------


def test_a_session_that_was_planted_stays_worthless(north: Any) -> None:
    """Session fixation: the number changes with the sign-in, and the planted row is gone."""
    browser = Browser(north)
    with in_library(north):
        from django.contrib.sessions.backends.db import SessionStore

        planted = SessionStore()
        planted["desk_card"] = "C-planted"
        planted.save()
    browser.cookies[django_settings.SESSION_COOKIE_NAME] = planted.session_key
    assert browser.sign_in(LIBRARIAN).status_code == 303
    assert browser.session_key != planted.session_key
    with in_library(north):
        assert not Session.objects.filter(pk=planted.session_key).exists()
        assert "desk_card" not in SessionStore(browser.session_key).load()


def test_signing_in_again_ends_the_session_before(north: Any) -> None:
    browser = Browser(north, "librarian")
    thief = Browser(north)
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = browser.session_key
    assert is_signed_in(thief)
    first = browser.session_key
    page = Browser(north).get("/sign-in/")
    browser.cookies["csrftoken"] = page.cookies["csrftoken"].value
    fields = {**hidden_fields(page, "/sign-in/"), "identifier": "reader@north.example", "password": PASSWORD}
    assert browser.post("/sign-in/", fields).status_code == 303
    assert browser.session_key != first
    assert "Reader of North" in text_of(browser.get("/account/"))
    assert not is_signed_in(thief)


def test_signing_out_ends_the_session_everywhere(north: Any) -> None:
    browser = Browser(north, "librarian")
    copy = Browser(north)
    copy.cookies[django_settings.SESSION_COOKIE_NAME] = browser.session_key
    assert is_signed_in(copy)
    answer = browser.submit("/account/", {}, to="/sign-out/")
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert not is_signed_in(browser)
    assert not is_signed_in(copy)
    with in_library(north):
        assert (
            AuditEntry.objects.filter(action="session.ended").latest("pk").changes["reason"] == "signed_out"
        )
        assert not Session.objects.exists()


def test_signing_out_needs_a_form_of_ours(north: Any) -> None:
    browser = Browser(north, "librarian")
    assert browser.post("/sign-out/").status_code == 403
    assert browser.get("/sign-out/").status_code == 405
    assert is_signed_in(browser)


def test_who_is_not_signed_in_may_sign_out(north: Any) -> None:
    browser = Browser(north)
    fields = hidden_fields(browser.get("/sign-in/"), "/sign-in/")
    assert browser.post("/sign-out/", fields).status_code == 303


def test_what_the_api_left_in_the_browser_is_ended_too(north: Any) -> None:
    """Cookies of the API's sign-in: gone after the page's sign-in, and their session ended after its sign-out."""
    browser = Browser(north, "librarian")
    with in_library(north):
        reader = User.objects.get(email="reader@north.example")
        tokens = services.start_session(user=reader, now=clock.now())
    browser.cookies["libraryhub-access"] = tokens.access
    browser.cookies["libraryhub-refresh"] = tokens.refresh
    answer = browser.submit("/account/", {}, to="/sign-out/")
    assert answer.cookies["libraryhub-access"].value == ""
    assert browser.get("/api/v1/me/", headers={"Authorization": f"Bearer {tokens.access}"}).status_code == 401


@pytest.mark.parametrize("end", ["password", "inactive", "gone", "all_sessions", "too_old", "copied"])
def test_a_session_ends_with_what_it_rests_on(north: Any, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(north, "librarian")
    assert is_signed_in(browser)
    with in_library(north):
        user = User.objects.get(email=LIBRARIAN)
        if end == "password":
            user.set_password("another-long-pass-phrase")
            user.save()
        elif end == "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif end == "gone":
            User.objects.filter(pk=user.pk).delete()
        elif end == "all_sessions":
            services.end_all_sessions(user=user, reason="test", by=SYSTEM, now=clock.now())
        elif end == "too_old":
            _change_session(browser, since=clock.now().timestamp() - 15 * 24 * 3600)
        else:
            _change_session(browser, site="another library")
    assert not is_signed_in(browser)
    with in_library(north):
        assert not Session.objects.exists(), "a dead session is deleted where it is met"


def _change_session(browser: Browser, **values: Any) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore(browser.session_key)
    session.update(values)
    session.save()


def test_a_session_of_one_library_is_none_in_another(north: Any, south: Any) -> None:
    ours = Browser(north, "librarian")
    stranger = Browser(south)
    stranger.cookies[django_settings.SESSION_COOKIE_NAME] = ours.session_key
    for address in ("/account/", "/desk/", "/patrons/", "/imports/"):
        assert stranger.get(address)["Location"].startswith("/sign-in/")
    with in_library(south):
        assert not Session.objects.exists()
    assert is_signed_in(ours), "and the attempt ends nobody's session"
    assert is_signed_in(Browser(south, "librarian")), "south's own people get in"


def test_a_session_is_nothing_to_the_api(north: Any) -> None:
    """Its answers would be open to other sites' forms: the API wants its own token."""
    browser = Browser(north, "admin")
    assert browser.get("/api/v1/me/").status_code == 401
    assert browser.get("/api/v1/patrons/").status_code == 401


def test_who_has_signed_in_counts_as_themselves_in_the_catalogue(north: Any) -> None:
    from tests.tenant_apps.catalog.records import close_to_guests

    close_to_guests(north)
    guest = Browser(north).get("/")
    assert guest.status_code == 403
    assert 'href="/sign-in/?next=%2F"' in guest.content.decode()
    page = Browser(north, "reader").get("/")
    assert page.status_code == 200
    assert ">My account</a>" in page.content.decode()


def test_the_navigation_shows_what_one_may_do(north: Any) -> None:
    shown = {
        role: [word for word in ("/desk/", "/patrons/", "/imports/", "/sign-in/") if f'href="{word}"' in page]
        for role in (None, "reader", "librarian")
        for page in [Browser(north, role).get("/").content.decode()]
    }
    assert shown == {None: ["/sign-in/"], "reader": [], "librarian": ["/desk/", "/patrons/", "/imports/"]}


@pytest.mark.parametrize("status", ["suspended", "restricted"])
def test_people_sign_in_to_a_library_that_is_not_in_order(
    north: Any, status: str, refresh_libraries: Any
) -> None:
    from saas.core.tenancy import in_public
    from shared_apps.tenants.models import Library

    with in_public():
        Library.objects.filter(pk=north.id).update(status=status)
    refresh_libraries()
    assert Browser(north).sign_in(LIBRARIAN).status_code == 303
