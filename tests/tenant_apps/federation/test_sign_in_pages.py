"""The way through a provider in a browser without JavaScript, from the button to the page where the reader was."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.conf import settings

from saas.core.tenancy import in_library
from tests.authenticators import unused_code
from tests.identity_provider import FakeProvider
from tests.pages import Browser, check_outline, hidden_fields, text_of
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import SOCIAL, account, link, registration, set_up

pytestmark = pytest.mark.django_db
WITH = "/sign-in/with/school/"
CALLBACK = f"{SOCIAL}/school/callback/"
# What Chromium sends when it follows a link.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.fixture
def school(north: Any, fake: FakeProvider) -> Any:
    return set_up(north, issuer=fake.issuer)


@pytest.fixture
def reader(north: Any, school: Any) -> Any:
    return link(north, school, subject="person-1", email="reader@north.example").user


def led_to(page: Any) -> str:
    """Where the page between leads to."""
    check_outline(page)
    (address,) = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page.content.decode())
    assert f'href="{address}"' in page.content.decode()
    return html.unescape(address)


def through(browser: Browser, fake: FakeProvider, page: str = "/sign-in/") -> Any:
    """Press the button, sign in at the provider, come back."""
    leading = browser.submit(page, {}, to=WITH)
    assert leading.status_code == 200, leading.content
    return browser.get(CALLBACK, fake.person_signs_in(led_to(leading)), headers=BROWSER)


def test_the_button_leads_to_the_provider_and_back_to_where_the_reader_was(
    north: Any, reader: Any, fake: FakeProvider
) -> None:
    browser = Browser(north)
    back = through(browser, fake, "/sign-in/?next=/titles/%3Fq%3Da")
    assert (back.status_code, back["Location"]) == (303, "/titles/?q=a")
    assert browser.session_key
    assert browser.get("/account/").status_code == 200
    assert back.cookies["libraryhub-flow"].value == ""
    assert back.cookies["libraryhub-device"].value
    assert back["Cache-Control"].startswith("no-store")


def test_without_next_it_leads_to_the_account(north: Any, reader: Any, fake: FakeProvider) -> None:
    assert through(Browser(north), fake)["Location"] == settings.LOGIN_REDIRECT_URL


def test_the_session_is_a_new_one_and_whoever_was_signed_in_is_signed_out(
    north: Any, reader: Any, fake: FakeProvider
) -> None:
    browser = Browser(north)
    button = hidden_fields(browser.get("/sign-in/"), WITH)
    assert browser.sign_in("librarian@north.example").status_code == 303
    before = browser.session_key
    leading = browser.post(WITH, {**button, "csrfmiddlewaretoken": browser.cookies["csrftoken"].value})
    back = browser.get(CALLBACK, fake.person_signs_in(led_to(leading)))
    assert back.status_code == 303
    assert browser.session_key not in ("", before)
    stranger = Browser(north)
    stranger.cookies[settings.SESSION_COOKIE_NAME] = before
    assert stranger.get("/account/").status_code == 303


def test_a_library_without_providers_shows_no_button(north: Any, south: Any, school: Any) -> None:
    assert "Sign in with School" in text_of(check_and_get(Browser(north)))
    assert "/sign-in/with/" not in check_and_get(Browser(south)).content.decode()


def check_and_get(browser: Browser) -> Any:
    page = browser.get("/sign-in/")
    check_outline(page)
    return page


def test_a_name_cannot_bring_markup_into_the_page(north: Any, fake: FakeProvider) -> None:
    set_up(north, issuer=fake.issuer, name='<script>alert(1)</script>"')
    page = Browser(north).get("/sign-in/")
    check_outline(page)
    assert "<script>alert(1)" not in page.content.decode()


def test_the_form_of_another_site_begins_nothing(north: Any, school: Any) -> None:
    browser = Browser(north)
    answer = browser.post(WITH, {})
    assert answer.status_code == 403
    assert "libraryhub-flow" not in answer.cookies


def test_a_provider_that_is_unknown_or_down_is_a_page(north: Any, school: Any, fake: FakeProvider) -> None:
    browser = Browser(north)
    token = hidden_fields(browser.get("/sign-in/"), WITH)
    assert browser.post("/sign-in/with/nobody/", token).status_code == 404
    from tests.tenant_apps.federation.test_provider_faults import failing

    fake.instead["/.well-known/openid-configuration"] = failing
    down = browser.post(WITH, token)
    assert down.status_code == 503
    assert down["Retry-After"]
    assert "does not answer" in text_of(down)


def test_a_refusal_is_a_page_that_leads_on(north: Any, school: Any, fake: FakeProvider) -> None:
    registration(north, "closed")
    fake.claims = {"email": "new@school.example", "email_verified": True}
    browser = Browser(north)
    before = snapshot("lib_north")
    page = through(browser, fake)
    assert page.status_code == 403
    check_outline(page)
    assert "does not take registrations" in text_of(page)
    assert 'href="/sign-in/"' in page.content.decode()
    assert not browser.session_key
    assert set(differences(before, snapshot("lib_north"))) <= {"lib_north.django_session"}


def test_somebody_new_is_signed_in_where_registration_is_open(
    north: Any, school: Any, fake: FakeProvider
) -> None:
    registration(north, "open")
    fake.claims = {"email": "new@school.example", "email_verified": True, "name": "Nora\n\x00New"}
    browser = Browser(north)
    assert through(browser, fake).status_code == 303
    assert browser.get("/account/").status_code == 200
    assert account(north, "new@school.example").name == "NoraNew"


# -- an account with the address ------------------------------------------------------------------------------------------


def test_an_owner_connects_the_account_after_the_password(
    north: Any, school: Any, fake: FakeProvider
) -> None:
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    browser = Browser(north)
    back = through(browser, fake)
    assert (back.status_code, back["Location"]) == (303, "/sign-in/connect/")
    assert not browser.session_key
    page = browser.get("/sign-in/connect/")
    check_outline(page)
    assert "sign in with its password first" in text_of(page)
    assert "<form" not in page.content.decode().split("<main", 1)[1]
    answer = browser.submit(
        "/sign-in/?next=/sign-in/connect/",
        {"identifier": "reader@north.example", "password": "correct-horse-battery"},
        to="/sign-in/",
    )
    assert answer["Location"] == "/sign-in/connect/"
    check_outline(browser.get("/sign-in/connect/"))
    before = snapshot("lib_north")
    done = browser.submit("/sign-in/connect/", {})
    assert done.status_code == 303
    assert "lib_north.federation_linkedidentity" in differences(before, snapshot("lib_north"))
    assert through(Browser(north), fake)["Location"] == "/account/"


def test_somebody_else_cannot_connect_it(north: Any, school: Any, fake: FakeProvider) -> None:
    from tenant_apps.federation.models import LinkedIdentity

    fake.claims = {"email": "reader@north.example", "email_verified": True}
    browser = Browser(north)
    through(browser, fake)
    assert browser.sign_in("librarian@north.example").status_code == 303
    page = browser.get("/sign-in/connect/")
    assert 'action="/sign-in/connect/"' not in page.content.decode()
    answer = browser.post("/sign-in/connect/", {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value})
    assert answer.status_code == 400
    with in_library(north):
        assert not LinkedIdentity.objects.exists()


def test_to_connect_needs_the_form_of_our_own_page(north: Any, school: Any, fake: FakeProvider) -> None:
    fake.claims = {"email": "reader@north.example", "email_verified": True}
    browser = Browser(north)
    through(browser, fake)
    browser.sign_in("reader@north.example")
    assert browser.post("/sign-in/connect/", {}).status_code == 403
    assert browser.submit("/sign-in/connect/", {}).status_code == 303


# -- the second factor ----------------------------------------------------------------------------------------------------


def code_of(library: Any, user: Any) -> str:
    with in_library(library):
        return unused_code(user)


def test_the_second_factor_is_asked_for_in_a_browser(north: Any, reader: Any, fake: FakeProvider) -> None:
    code_of(north, reader)
    browser = Browser(north)
    back = through(browser, fake, "/sign-in/?next=/titles/")
    assert (back.status_code, back["Location"]) == (303, "/sign-in/second-factor/")
    assert not browser.session_key
    assert browser.get("/account/").status_code == 303
    check_outline(browser.get("/sign-in/second-factor/"))
    wrong = browser.submit("/sign-in/second-factor/", {"otp": "000000"})
    assert wrong.status_code == 400
    check_outline(wrong)
    assert browser.submit("/sign-in/second-factor/", {"otp": ""}).status_code == 400
    done = browser.submit("/sign-in/second-factor/", {"otp": code_of(north, reader)})
    assert (done.status_code, done["Location"]) == (303, "/titles/")
    assert browser.get("/account/").status_code == 200
    assert browser.get("/sign-in/second-factor/").status_code == 400


def test_the_second_factor_is_asked_for_in_a_client(
    north: Any, reader: Any, fake: FakeProvider, visitor: Any, api: Any
) -> None:
    code_of(north, reader)
    begun = visitor.begin()
    returned = fake.person_signs_in(begun["authorization_url"])
    first = visitor.finish(returned, flow_token=begun["flow_token"])
    assert (first.status_code, first.json()["code"]) == (401, "mfa_required")
    assert {"access", "refresh"} & set(first.json()) == set()
    address, client = f"{SOCIAL}/second-factor/", visitor.client
    refused = [
        client.post(address, {"otp": code_of(north, reader)}),
        client.post(address, {"otp": code_of(north, reader), "flow_token": visitor.begin()["flow_token"]}),
        client.post(address, {"otp": "000000", "flow_token": begun["flow_token"]}),
        api(north).post(address, {"otp": "", "flow_token": begun["flow_token"]}),
    ]
    assert [answer.status_code for answer in refused] == [401, 401, 401, 400]
    code = code_of(north, reader)
    done = client.post(address, {"otp": code, "flow_token": begun["flow_token"]})
    assert done.status_code == 200, done.content
    assert done.json()["user"]["email"] == "reader@north.example"
    again = client.post(address, {"otp": code_of(north, reader), "flow_token": begun["flow_token"]})
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")


def test_who_waits_in_one_library_waits_in_no_other(
    north: Any, south: Any, reader: Any, fake: FakeProvider, visitor: Any, api: Any
) -> None:
    code_of(north, reader)
    code_of(south, account(south, "reader@south.example"))
    begun = visitor.begin()
    visitor.finish(fake.person_signs_in(begun["authorization_url"]), flow_token=begun["flow_token"])
    body = {"otp": code_of(north, reader), "flow_token": begun["flow_token"]}
    assert api(south).post(f"{SOCIAL}/second-factor/", body).status_code == 401
    assert visitor.client.post(f"{SOCIAL}/second-factor/", body).status_code == 200


def test_guessing_the_second_factor_is_limited(
    north: Any, reader: Any, fake: FakeProvider, visitor: Any, settings: Any
) -> None:
    code_of(north, reader)
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-account": (4, 300)}
    begun = visitor.begin()
    visitor.finish(fake.person_signs_in(begun["authorization_url"]), flow_token=begun["flow_token"])
    tries = [
        visitor.client.post(
            f"{SOCIAL}/second-factor/", {"otp": f"00000{n}", "flow_token": begun["flow_token"]}
        )
        for n in range(6)
    ]
    assert tries[0].status_code == 401
    assert tries[-1].status_code == 429


def test_guessing_what_providers_there_are_is_limited(school: Any, visitor: Any, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "login-address": (3, 300)}
    answers = [visitor.client.post(f"{SOCIAL}/guess-{n}/", {}).status_code for n in range(5)]
    assert answers == [404, 404, 404, 429, 429]
    assert visitor.client.post(f"{SOCIAL}/school/", {}).status_code == 200, "who is right is not held up"


def test_to_begin_is_limited(north: Any, school: Any, visitor: Any, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "sign-in-elsewhere": (3, 300)}
    answers = [visitor.client.post(f"{SOCIAL}/school/", {}).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]
    settings.RATE_LIMITS_ENABLED = False
    browser = Browser(north)
    token = hidden_fields(browser.get("/sign-in/"), WITH)
    settings.RATE_LIMITS_ENABLED = True
    assert browser.post(WITH, token).status_code == 429
