"""The page behind the mailed link, as a browser gets it."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import resolve, reverse

from saas.core.tenancy import in_library
from shared_apps.accounts import page_urls, password_pages
from shared_apps.accounts.models import User
from shared_apps.accounts.services import reset_link_parts
from shared_apps.accounts.tasks import RESET_PATH

pytestmark = pytest.mark.django_db
FRESH = "another-long-phrase"


@pytest.fixture
def lea(person: Any) -> Any:
    return person()


@pytest.fixture
def link(north: Any, lea: Any) -> dict[str, str]:
    with in_library(north):
        return reset_link_parts(User.objects.get(pk=lea.pk))


@pytest.fixture
def visit(north: Any, settings: Any) -> Any:
    """`visit(link)` is a GET, `visit(link, "secret")` sends the form."""
    settings.ROOT_URLCONF = "shared_apps.accounts.page_urls"

    def ask(parts: dict[str, str], password: str | None = None) -> Any:
        factory = RequestFactory(HTTP_HOST="north.localhost")
        if password is None:
            request = factory.get(RESET_PATH, parts)
        else:
            request = factory.post(RESET_PATH, {**parts, "password": password})
        request.library = north  # type: ignore[attr-defined]
        with in_library(north):
            return password_pages.new_password(request)

    return ask


def hash_of(library: Any, user: Any) -> str:
    with in_library(library):
        return User.objects.get(pk=user.pk).password


def test_the_mails_link_leads_to_the_page(settings: Any) -> None:
    settings.ROOT_URLCONF = page_urls.__name__
    assert reverse("accounts-new-password") == RESET_PATH
    assert resolve(RESET_PATH).func is password_pages.new_password


def test_opening_the_link_changes_nothing_and_shows_a_form(
    visit: Any, link: Any, north: Any, lea: Any
) -> None:
    before = hash_of(north, lea)
    for _ in range(2):
        page = visit(link)
        assert page.status_code == 200
    text = page.content.decode()
    assert f'value="{link["token"]}"' in text
    assert 'autocomplete="new-password"' in text
    assert 'name="csrfmiddlewaretoken"' in text
    assert hash_of(north, lea) == before


def test_sending_the_form_sets_the_password(visit: Any, link: Any, sign_in: Any) -> None:
    page = visit(link, FRESH)
    assert page.status_code == 200
    assert "Sign in with your new password" in page.content.decode()
    assert sign_in(password=FRESH).status_code == 200


@pytest.mark.parametrize("password", ["", "short", "1234567890", "x" * 257, "x" * 900_000])
def test_a_password_that_will_not_do_is_explained_and_the_link_lives(
    visit: Any, link: Any, north: Any, lea: Any, password: str
) -> None:
    before = hash_of(north, lea)
    page = visit(link, password)
    assert page.status_code == 400
    text = page.content.decode()
    assert 'aria-invalid="true"' in text
    assert f'value="{password}"' not in html.unescape(text)
    assert hash_of(north, lea) == before
    assert visit(link, FRESH).status_code == 200


@pytest.mark.parametrize(
    "changes", [{"token": "x"}, {"uid": "999999"}, {"uid": "abc"}, {"uid": "", "token": ""}]
)
def test_a_bad_link_shows_no_form(visit: Any, link: Any, north: Any, lea: Any, changes: Any) -> None:
    before = hash_of(north, lea)
    for page in (visit({**link, **changes}), visit({**link, **changes}, FRESH)):
        assert page.status_code == 400
        assert "<form" not in page.content.decode()
    assert hash_of(north, lea) == before
    assert visit(link).status_code == 200


def test_a_used_link_says_so(visit: Any, link: Any) -> None:
    assert visit(link, FRESH).status_code == 200
    page = visit(link)
    assert page.status_code == 400
    assert "used already" in page.content.decode()


def test_a_link_cannot_bring_markup_into_the_page(visit: Any, link: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(password_pages.services, "check_reset_link", lambda **_parts: None)
    page = visit({**link, "token": '"><script>alert(1)</script>'})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;alert(1)" in page.content.decode()
