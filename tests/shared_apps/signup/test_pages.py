"""The pages, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from saas.core import clock
from shared_apps.delivery.services import relay
from shared_apps.signup.models import SignUp
from shared_apps.tenants.models import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """A browser on the public site: cookies, and CSRF enforced as in production."""
    return Client(HTTP_HOST="localhost", enforce_csrf_checks=True)


def csrf_of(page: Any) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert found, "the page has no CSRF token"
    return found.group(1)


def submit(browser: Client, body: dict[str, Any], **extra: Any) -> Any:
    """Open the start page, fill in its form and send it."""
    token = csrf_of(browser.get("/"))
    return browser.post("/signup/", {**body, "csrfmiddlewaretoken": token}, **extra)


class Outline(HTMLParser):
    """What a screen reader and a strict content security policy care about."""

    def __init__(self, page: Any) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _tag, attributes in self.tags if attributes.get("id")]


def check_outline(page: Any) -> Outline:
    """Rules that every page keeps: language, one h1, landmarks, labels, no inline script or style, ids once."""
    outline = Outline(page)
    assert outline.all("html")[0]["lang"] == "en"
    assert outline.all("meta")[1]["content"] == "width=device-width, initial-scale=1"
    for tag in ("h1", "main", "header", "footer", "title"):
        assert len(outline.all(tag)) == 1, tag
    assert any(a.get("href") == "#main" for a in outline.all("a"))
    assert len(outline.ids) == len(set(outline.ids))
    assert not outline.all("style")
    for tag, attributes in outline.tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
    assert all(script.get("src") for script in outline.all("script"))
    labelled = {label.get("for") for label in outline.all("label")}
    for tag in ("input", "select", "textarea"):
        for control in outline.all(tag):
            if control.get("type") != "hidden":
                assert control.get("id") in labelled, control
    for _tag, attributes in outline.tags:
        for reference in (attributes.get("aria-describedby") or "").split():
            assert reference in outline.ids, reference
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    return outline


# -- the start page --------------------------------------------------------------------------------------


def test_the_start_page_says_what_this_is_and_has_plans_and_a_form(browser: Client) -> None:
    page = browser.get("/")
    assert page.status_code == 200
    outline = check_outline(page)
    text = page.content.decode()
    for part in ("LibraryHub", "Starter", "Consortium", "€39", "25,000", 'action="/signup/"'):
        assert part in text
    names = {control.get("name") for tag in ("input", "select") for control in outline.all(tag)}
    assert {"library_name", "subdomain", "admin_name", "admin_email", "password", "plan", "country"} <= names


def test_a_plan_can_be_chosen_by_a_link(browser: Client) -> None:
    for plan, chosen in (("pro", "pro"), ("", "free"), ("gold<script>", "free")):
        page = browser.get("/", {"plan": plan})
        radios = [control for control in Outline(page).all("input") if control.get("type") == "radio"]
        assert [radio["value"] for radio in radios if "checked" in radio] == [chosen]
        assert b"gold<script>" not in page.content


def test_looking_changes_nothing(browser: Client, snapshot: Callable[[], Any]) -> None:
    before = snapshot()
    for address in ("/", "/signup/", "/signup/check-your-mail/", "/signup/verify/", "/robots.txt"):
        assert browser.get(address).status_code in {200, 400}
        assert browser.head(address).status_code in {200, 400, 405}
    assert snapshot() == before


def test_the_start_page_takes_no_post(browser: Client, body: dict[str, Any]) -> None:
    token = csrf_of(browser.get("/"))
    assert browser.post("/", {**body, "csrfmiddlewaretoken": token}).status_code == 405
    assert not SignUp.objects.exists()


# -- the form --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(databases=["default", "owner"])
def test_the_whole_way_from_the_form_to_the_library(browser: Client, body: dict[str, Any]) -> None:
    sent = submit(browser, body)
    row = SignUp.objects.get()
    assert (sent.status_code, sent["Location"]) == (303, f"/signup/check-your-mail/?id={row.pk}")
    after = browser.get(sent["Location"])
    check_outline(after)
    assert "harbour.localhost" in after.content.decode()
    assert "hanna" not in after.content.decode().lower()

    relay()
    link = re.search(r"http://\S+", mail.outbox[0].body)
    assert link
    address = link.group().removeprefix("http://localhost:8000")
    page = browser.get(address)
    check_outline(page)
    assert "Harbour Library" in page.content.decode()
    assert not Library.objects.filter(subdomain="harbour").exists()

    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())
    assert token
    done = browser.post("/signup/verify/", {"token": token.group(1), "csrfmiddlewaretoken": csrf_of(page)})
    assert done.status_code == 201
    check_outline(done)
    assert 'href="http://harbour.localhost:8000/"' in done.content.decode()
    assert Library.objects.get(subdomain="harbour").status == "trialing"

    again = browser.get(address)
    assert again.status_code == 409
    check_outline(again)
    assert "http://harbour.localhost:8000/" in again.content.decode()


def test_errors_keep_what_was_typed_and_lead_to_the_fields(
    browser: Client, body: dict[str, Any], snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    body |= {"subdomain": "ab", "admin_email": 'no"mail', "library_name": "Harbour <b>", "plan": "pro"}
    body["password"] = ""  # a missing value hides no other problem
    page = submit(browser, body)
    assert page.status_code == 400
    outline = check_outline(page)
    text = page.content.decode()
    assert text.count("<title>Error:") == 1
    summary = next(attributes for tag, attributes in outline.tags if attributes.get("id") == "errors")
    assert summary["role"] == "alert"
    assert "autofocus" in summary
    for field in ("subdomain", "admin_email", "library_name"):
        assert f'href="#id_{field}"' in text
        control = next(c for c in outline.all("input") if c.get("name") == field)
        assert control["value"] == body[field]
        assert control["aria-invalid"] == "true"
        assert f"id_{field}_error" in str(control["aria-describedby"])
    valid = next(c for c in outline.all("input") if c.get("name") == "admin_name")
    assert valid["value"] == "Hanna Harbour"
    assert "aria-invalid" not in valid
    chosen = [c["value"] for c in outline.all("input") if c.get("type") == "radio" and "checked" in c]
    assert chosen == ["pro"]
    options = [c.get("value") for c in outline.all("option") if "selected" in c]
    assert options == ["IT", "Europe/Rome", "en"]
    assert "Harbour <b>" not in text
    assert snapshot() == before


def test_the_password_never_comes_back(browser: Client, body: dict[str, Any]) -> None:
    page = submit(browser, {**body, "subdomain": "ab"})
    assert body["password"] not in page.content.decode()
    assert "type your password again" in page.content.decode()


def test_a_taken_name_says_what_is_free(browser: Client, body: dict[str, Any], north: Any) -> None:
    page = submit(browser, {**body, "subdomain": "north"})
    assert page.status_code == 400
    assert "north-library" in page.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"plan": "gold"},
        {"country": "XX"},
        {"time_zone": "Mars/Olympus"},
        {"language": "tlh"},
        {"admin_name": "a\x00b"},
        {"library_name": ""},
        {"password": " "},
        {"subdomain": "x" * 300},
    ],
)
def test_values_that_no_browser_would_send(
    browser: Client, body: dict[str, Any], changes: dict[str, str], snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    page = submit(browser, {**body, **changes})
    assert page.status_code == 400
    assert b'id="errors"' in page.content
    assert snapshot() == before


def test_an_empty_form(browser: Client, snapshot: Callable[[], Any]) -> None:
    before = snapshot()
    page = submit(browser, {})
    assert page.status_code == 400
    check_outline(page)
    assert snapshot() == before


def test_without_the_csrf_token_nothing_is_taken(
    browser: Client, body: dict[str, Any], requested: Callable[..., Any], snapshot: Callable[[], Any]
) -> None:
    _row, token = requested()
    before = snapshot()
    browser.get("/")
    for sent in (body, {**body, "csrfmiddlewaretoken": "x" * 64}):
        assert browser.post("/signup/", sent).status_code == 403
    assert browser.post("/signup/verify/", {"token": token}).status_code == 403
    stranger = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    stolen = csrf_of(browser.get("/"))
    assert stranger.post("/signup/", {**body, "csrfmiddlewaretoken": stolen}).status_code == 403
    assert snapshot() == before


def test_a_robot_that_fills_in_everything_sees_success_and_leaves_nothing(
    browser: Client, body: dict[str, Any], snapshot: Callable[[], Any]
) -> None:
    before = snapshot()
    sent = submit(browser, {**body, "fax_extension": "12345"})
    assert sent.status_code == 303
    assert browser.get(sent["Location"]).status_code == 200
    assert snapshot() == before
    assert submit(browser, {**body, "fax_extension": ""}).status_code == 303
    assert SignUp.objects.count() == 1


def test_form_and_api_count_together(
    browser: Client, public_api: Any, body: dict[str, Any], limits: Any
) -> None:
    limits.RATE_LIMITS = {**limits.RATE_LIMITS, "signup": (2, 3600)}
    here = {"REMOTE_ADDR": f"2001:db8:{secrets_word()}::1"}
    assert public_api().post("/api/v1/signup/", body, **here).status_code == 202
    assert submit(browser, {**body, "subdomain": "ab"}, **here).status_code == 400
    assert submit(browser, body, **here).status_code == 303
    page = submit(browser, body, **here)
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 3000
    assert "Harbour Library" in page.content.decode()
    assert SignUp.objects.count() == 2


def secrets_word() -> str:
    """Two groups of an IPv6 network that no other test has used."""
    import secrets

    return f"{secrets.randbelow(0xFFFF):x}:{secrets.randbelow(0xFFFF):x}"


# -- check your mail -------------------------------------------------------------------------------------


@pytest.mark.parametrize("identifier", ["", "x", "1", "00000000-0000-0000-0000-000000000000", "' OR 1=1"])
def test_the_page_after_the_form_needs_no_id(browser: Client, identifier: str) -> None:
    page = browser.get("/signup/check-your-mail/", {"id": identifier})
    assert page.status_code == 200
    check_outline(page)


def test_the_page_after_the_form_follows_the_sign_up(browser: Client, requested: Callable[..., Any]) -> None:
    row, _token = requested()
    address = f"/signup/check-your-mail/?id={row.pk}"
    assert "within 48 hours" in browser.get(address).content.decode()
    SignUp.objects.update(expires_at=clock.now())
    assert "expired" in browser.get(address).content.decode()


# -- the link --------------------------------------------------------------------------------------------


def test_opening_the_link_is_not_using_it(
    browser: Client, requested: Callable[..., Any], snapshot: Callable[[], Any]
) -> None:
    _row, token = requested()
    before = snapshot()
    for _ in range(3):
        page = browser.get("/signup/verify/", {"token": token})
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
    assert snapshot() == before


@pytest.mark.usefixtures("quick_provisioning")
def test_links_that_cannot_be_used_say_why(
    browser: Client, requested: Callable[..., Any], north: Any
) -> None:
    used, late, gone = (
        requested()[1],
        requested(subdomain="lateness")[1],
        requested(subdomain="gonesville")[1],
    )
    form = csrf_of(browser.get("/signup/verify/", {"token": used}))
    assert browser.post("/signup/verify/", {"token": used, "csrfmiddlewaretoken": form}).status_code == 201
    SignUp.objects.filter(subdomain="lateness").update(expires_at=clock.now())
    SignUp.objects.filter(subdomain="gonesville").update(subdomain="north")
    for token, status in ((used, 409), (late, 400), (gone, 409), ("x", 400), ("", 400), (used + "A", 400)):
        page = browser.post("/signup/verify/", {"token": token, "csrfmiddlewaretoken": form})
        assert page.status_code == status
        check_outline(page)
    assert Library.objects.filter(subdomain="harbour").count() == 1


def test_a_name_with_markup_stays_text(browser: Client, requested: Callable[..., Any]) -> None:
    _row, token = requested(library_name='Harbour "quoted" & co')
    page = browser.get("/signup/verify/", {"token": token})
    assert "Harbour &quot;quoted&quot; &amp; co" in page.content.decode()


def test_robots_are_told_to_leave_links_alone(browser: Client) -> None:
    page = browser.get("/robots.txt")
    assert page["Content-Type"].startswith("text/plain")
    assert b"Disallow: /signup/" in page.content


def test_a_page_that_does_not_exist_looks_like_ours(browser: Client) -> None:
    page = browser.get("/nowhere/", HTTP_ACCEPT="text/html")
    assert page.status_code == 404
    check_outline(page)
