"""The pages for one's own second factors, by forms alone; and the passkey's answer, which a script would put there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from saas.core.tenancy import in_library
from shared_apps.accounts.services import User
from tests.authenticators import SoftPasskey, app_of, code_at, unused_code
from tests.factories import PASSWORD
from tests.pages import Browser, check_outline, text_of

SECURITY = "/account/security/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(north: Any) -> Browser:
    return Browser(north, "reader")


def account(north: Any) -> Any:
    with in_library(north):
        return User.objects.get(email="reader@north.example")


def kinds(north: Any) -> list[str]:
    with in_library(north):
        return list(
            Authenticator.objects.filter(user=account(north)).order_by("type").values_list("type", flat=True)
        )


def set_up_app(browser: Browser, ticking: Any) -> tuple[str, list[str]]:
    """Set up an app; the secret as the page shows it, and the recovery codes."""
    begun = browser.submit(f"{SECURITY}app/", {"password": PASSWORD})
    assert (begun.status_code, begun["Location"]) == (303, f"{SECURITY}app/confirm/")
    page = browser.get(f"{SECURITY}app/confirm/")
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page.content.decode()).group(1).replace(" ", "")  # type: ignore[union-attr]
    done = browser.submit(f"{SECURITY}app/confirm/", {"code": code_at(secret, ticking(30))})
    assert done.status_code == 200
    return secret, re.findall(r"<code>(\d{5}-\d{5})</code>", done.content.decode())


def test_an_app_is_set_up_without_a_script(browser: Browser, north: Any, ticking: Any) -> None:
    assert "Set up an authenticator app" in text_of(browser.get(SECURITY))
    secret, codes = set_up_app(browser, ticking)
    assert len(codes) == 10
    assert kinds(north) == ["recovery_codes", "totp"]
    assert "10 codes are left" in text_of(browser.get(SECURITY)), "this browser goes on"
    other = Browser(north)
    asked = other.sign_in("reader@north.example")
    assert asked.status_code == 400
    assert 'name="otp"' in asked.content.decode()
    assert other.sign_in("reader@north.example", otp=code_at(secret, ticking(30))).status_code == 303
    third = Browser(north)
    assert third.sign_in("reader@north.example", otp=codes[0]).status_code == 303, (
        "as it is shown, with its dash"
    )


def test_the_picture_is_the_secret(browser: Browser, ticking: Any) -> None:
    browser.submit(f"{SECURITY}app/", {"password": PASSWORD})
    page = browser.get(f"{SECURITY}app/confirm/").content.decode()
    assert re.search(r'<img src="data:image/svg\+xml;base64,[A-Za-z0-9+/=]{500,}" [^>]*alt="[^"]+"', page)
    assert browser.get(f"{SECURITY}app/confirm/")["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("page", ["", "app/", "codes/", "passkeys/", "app/remove/"])
def test_each_page_is_for_everybody_s_eyes_and_hands(browser: Browser, page: str) -> None:
    check_outline(browser.get(f"{SECURITY}{page}"))


def test_the_page_with_the_secret_too(browser: Browser, ticking: Any) -> None:
    browser.submit(f"{SECURITY}app/", {"password": PASSWORD})
    check_outline(browser.get(f"{SECURITY}app/confirm/"))


@pytest.mark.parametrize("page", ["app/", "app/remove/", "codes/", "passkeys/"])
def test_each_change_asks_who_it_is(browser: Browser, north: Any, page: str) -> None:
    with in_library(north):
        app_of(account(north))
    for fields in (
        {"password": "wrong-password"},
        {"password": PASSWORD},
        {"password": PASSWORD, "otp": "000000"},
        {},
    ):
        answer = browser.submit(f"{SECURITY}{page}", fields)
        assert answer.status_code == 400, fields
        assert "Something is not right yet" in text_of(answer)
    assert kinds(north) == ["totp"]
    with in_library(north):
        code = unused_code(account(north))
    assert browser.submit(f"{SECURITY}{page}", {"password": PASSWORD, "otp": code}).status_code in {200, 303}


def test_a_form_from_elsewhere_changes_nothing(browser: Browser, north: Any) -> None:
    with in_library(north):
        code = unused_code(account(north))
    answer = browser.post(f"{SECURITY}app/remove/", {"password": PASSWORD, "otp": code})
    assert answer.status_code == 403
    assert kinds(north) == ["totp"]
    assert browser.submit(f"{SECURITY}app/remove/", {"password": PASSWORD, "otp": code}).status_code == 303
    assert kinds(north) == []


def test_other_browsers_are_signed_out(browser: Browser, north: Any, ticking: Any) -> None:
    other = Browser(north, "reader")
    assert other.get("/account/").status_code == 200
    set_up_app(browser, ticking)
    assert browser.get("/account/").status_code == 200
    assert other.get("/account/").status_code == 303


def test_nothing_waits_without_a_first_step(browser: Browser) -> None:
    assert browser.get(f"{SECURITY}app/confirm/")["Location"] == f"{SECURITY}app/"
    assert browser.get(f"{SECURITY}passkeys/add/")["Location"] == f"{SECURITY}passkeys/"
    assert browser.get(f"{SECURITY}passkeys/999999/remove/").status_code == 404


def test_a_passkey_is_added_and_signs_in(browser: Browser, north: Any) -> None:
    key = SoftPasskey("http://north.localhost", "north.localhost")
    begun = browser.submit(f"{SECURITY}passkeys/", {"password": PASSWORD})
    assert begun["Location"] == f"{SECURITY}passkeys/add/"
    page = browser.get(begun["Location"])
    check_outline_but_for_data(page)
    options = json.loads(
        re.search(r'id="passkey-options"[^>]*>(.*?)</script>', page.content.decode()).group(1)
    )  # type: ignore[union-attr]
    credential = json.dumps(key.create({"publicKey": options}))
    done = browser.submit(f"{SECURITY}passkeys/add/", {"name": "My <phone>", "credential": credential})
    assert "Recovery codes" in text_of(done)
    shown = browser.get(SECURITY)
    assert "My &lt;phone&gt;" in shown.content.decode()

    other = Browser(north)
    hidden = other.get("/sign-in/?next=/account/security/")
    assert 'id="passkey-sign-in"' in hidden.content.decode()
    asked = other.post("/api/v1/auth/webauthn/options/", {}, content_type="application/json").json()
    fields = {"credential": json.dumps(key.get(asked)), "next": "/account/security/"}
    answer = other.submit("/sign-in/", fields, to="/sign-in/passkey/")
    assert (answer.status_code, answer["Location"]) == (303, "/account/security/")
    assert other.get("/account/").status_code == 200
    again = Browser(north).submit("/sign-in/", fields, to="/sign-in/passkey/")
    assert again.status_code == 400
    assert "This passkey was not accepted here" in text_of(again)


@pytest.mark.parametrize("credential", ["", "{", "[]", "null", "[" * 30_000, '{"id": 1}'])
def test_what_is_no_answer_is_refused(browser: Browser, north: Any, credential: str) -> None:
    stranger = Browser(north)
    answer = stranger.submit("/sign-in/", {"credential": credential}, to="/sign-in/passkey/")
    assert answer.status_code == 400
    assert stranger.get("/account/").status_code == 303
    browser.submit(f"{SECURITY}passkeys/", {"password": PASSWORD})
    assert browser.submit(
        f"{SECURITY}passkeys/add/", {"name": "x", "credential": credential}
    ).status_code in {303, 400}
    assert kinds(north) == []


def check_outline_but_for_data(page: Any) -> None:
    """The rules of every page; the one script element without an address holds data and runs nothing."""
    content = page.content
    page.content = re.sub(rb'<script id="passkey-options" type="application/json">.*?</script>', b"", content)
    assert page.content != content
    check_outline(page)
    page.content = content
