"""A passkey in a real browser: Chromium's virtual authenticator makes one on a library's page and signs in with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from saas.core import clock
from saas.core.tenancy import in_library
from shared_apps.accounts.models import User
from tests.authenticators import code_at
from tests.e2e import looks
from tests.e2e.live import PHONE, Site, Window, window
from tests.pages import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.deep]
READER = "reader@east.example"


@contextmanager
def authenticator(opened: Window, **options: Any) -> Iterator[tuple[Any, str]]:
    """A phone inside the browser: it verifies its user and finds its keys by itself."""
    protocol = opened.page.context.new_cdp_session(opened.page)
    protocol.send("WebAuthn.enable", {"enableUI": False})
    phone = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **options,
    }
    made = protocol.send("WebAuthn.addVirtualAuthenticator", {"options": phone})
    yield protocol, made["authenticatorId"]
    protocol.send("WebAuthn.disable")


def keys_of(protocol: Any, phone: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = protocol.send("WebAuthn.getCredentials", {"authenticatorId": phone})[
        "credentials"
    ]
    return found


def rows(library: Any) -> list[Any]:
    with in_library(library):
        return list(Authenticator.objects.filter(user__email=READER, type="webauthn"))


def add_passkey(opened: Window, name: str) -> None:
    opened.go("/account/security/passkeys/")
    opened.fill(id_password=PASSWORD)
    opened.press("Go on")
    opened.fill(id_name=name)
    opened.press("Make the passkey")


def sign_in_by_passkey(opened: Window) -> None:
    """By keys alone: Tab to the button, Enter."""
    opened.go("/sign-in/?next=/account/security/")
    button = opened.page.get_by_role("button", name="Sign in with a passkey")
    button.wait_for()
    button.focus()
    with opened.page.expect_navigation():
        opened.page.keyboard.press("Enter")


def test_a_passkey_is_made_and_signs_in(chromium: Any, site: Site, committed_library: Any) -> None:
    with window(chromium, site, "east.localhost") as opened, authenticator(opened) as (protocol, phone):
        opened.sign_in(READER, PASSWORD)
        assert rows(committed_library) == []
        add_passkey(opened, "My phone")
        assert "Recovery codes" in opened.text()
        assert opened.page.locator("#recovery-codes li").count() == 10
        [key] = keys_of(protocol, phone)
        assert (key["rpId"], key["isResidentCredential"]) == ("east.localhost", True)
        [row] = rows(committed_library)
        assert row.data["name"] == "My phone"
        assert row.last_used_at is None

        opened.press("Sign out")
        opened.go("/account/")
        assert "/sign-in/" in opened.page.url
        sign_in_by_passkey(opened)
        assert opened.page.url.endswith("/account/security/")
        assert "My phone" in opened.text()
        [row] = rows(committed_library)
        assert row.last_used_at is not None
        assert row.data["sign_count"] == keys_of(protocol, phone)[0]["signCount"] > 0
        assert opened.complaints() == []


def test_the_password_alone_does_not_open_what_a_passkey_protects(
    chromium: Any, site: Site, committed_library: Any
) -> None:
    with window(chromium, site, "east.localhost") as opened, authenticator(opened):
        opened.sign_in(READER, PASSWORD)
        add_passkey(opened, "My phone")
        opened.press("Sign out")
        opened.sign_in(READER, PASSWORD)
        assert "Something is not right yet" in opened.text()
        opened.go("/account/")
        assert "/sign-in/" in opened.page.url


def test_a_phone_that_does_not_know_its_user_opens_nothing(
    chromium: Any, site: Site, committed_library: Any
) -> None:
    """User verification is required: the browser or the server refuses, and the page says so."""
    with window(chromium, site, "east.localhost") as opened, authenticator(opened) as (protocol, phone):
        opened.sign_in(READER, PASSWORD)
        add_passkey(opened, "My phone")
        opened.press("Sign out")
        protocol.send("WebAuthn.setUserVerified", {"authenticatorId": phone, "isUserVerified": False})
        opened.go("/sign-in/")
        opened.page.get_by_role("button", name="Sign in with a passkey").click()
        opened.page.get_by_text("No passkey was used.").wait_for()
        opened.go("/account/")
        assert "/sign-in/" in opened.page.url
        protocol.send("WebAuthn.setUserVerified", {"authenticatorId": phone, "isUserVerified": True})
        sign_in_by_passkey(opened)
        assert opened.page.url.endswith("/account/security/")


def test_a_passkey_of_one_library_is_none_in_another(
    chromium: Any, site: Site, committed_library: Any, other_committed_library: Any
) -> None:
    with window(chromium, site, "east.localhost") as opened, authenticator(opened) as (protocol, phone):
        opened.sign_in(READER, PASSWORD)
        add_passkey(opened, "My phone")
        assert len(keys_of(protocol, phone)) == 1
        neighbour = Window(opened.page, site, "west.localhost", opened.wrong)
        neighbour.go("/sign-in/")
        neighbour.page.get_by_role("button", name="Sign in with a passkey").click()
        neighbour.page.get_by_text("No passkey was used.").wait_for()
        neighbour.go("/account/")
        assert "west.localhost" in neighbour.page.url
        assert "/sign-in/" in neighbour.page.url


def test_an_app_without_scripts(chromium: Any, site: Site, committed_library: Any) -> None:
    with window(chromium, site, "east.localhost", java_script_enabled=False) as opened:
        opened.sign_in(READER, PASSWORD)
        opened.go("/account/security/app/")
        opened.fill(id_password=PASSWORD)
        opened.press("Go on")
        secret = opened.page.inner_text("#secret").replace(" ", "")
        opened.fill(id_code=code_at(secret, clock.now()))
        opened.press("Confirm")
        assert "Recovery codes" in opened.text()
        with in_library(committed_library):
            user = User.objects.get(email=READER)
            assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_the_pages_are_for_every_eye_and_hand(chromium: Any, site: Site, committed_library: Any) -> None:
    with window(chromium, site, "east.localhost") as opened, authenticator(opened):
        opened.sign_in(READER, PASSWORD)
        add_passkey(opened, "My phone")
        wrong = _look(opened, "codes", None)
        [code] = opened.page.locator("#recovery-codes li").all_inner_texts()[:1]
        wrong += _look(opened, "overview", "/account/security/")
        wrong += _look(opened, "app", "/account/security/app/")
        opened.fill(id_password=PASSWORD, id_otp=code)
        opened.press("Go on")
        wrong += _look(opened, "app-confirm", None)
        opened.press("Confirm")
        wrong += _look(opened, "app-refused", None)
        wrong += _look(opened, "sign-in", "/sign-in/")
        assert wrong == []


def _look(opened: Window, name: str, path: str | None) -> list[str]:
    if path is not None:
        opened.go(path)
    wrong = looks.offences(opened.page) + looks.low_contrast(opened.page)
    opened.page.set_viewport_size(PHONE)
    if looks.scrolls_sideways(opened.page):
        wrong.append("scrolls sideways at 320 px")
    wrong += looks.tab_order_problems(opened.page)
    opened.page.set_viewport_size({"width": 1280, "height": 800})
    return [f"{name}: {problem}" for problem in wrong]
