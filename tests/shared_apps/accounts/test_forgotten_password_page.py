"""Asking for a new password in a browser, up to signing in with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail

from saas.core.tenancy import in_library
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import relay
from tests.pages import Browser, check_outline, text_of

pytestmark = pytest.mark.django_db
PAGE = "/password/reset/"
NEW = "seven wild ponies sing"


def test_from_a_forgotten_password_to_a_new_one(north: Any) -> None:
    browser = Browser(north)
    assert f'href="{PAGE}"' in browser.get("/sign-in/").content.decode()
    answer = browser.submit(PAGE, {"email": "librarian@north.example"})
    assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}?sent=1")
    check_outline(browser.get(answer["Location"]))
    with in_library(north):
        relay()
    [letter] = mail.outbox
    link = re.search(r"http://[^/]+(/password/reset/confirm/\S+)", str(letter.body))
    assert link
    page = browser.get(link.group(1))
    assert browser.submit(link.group(1), {"password": NEW}).status_code == 200, text_of(page)
    assert browser.sign_in("librarian@north.example").status_code == 400
    assert browser.sign_in("librarian@north.example", NEW).status_code == 303


def test_it_does_not_tell_who_has_an_account(north: Any) -> None:
    answers = [
        Browser(north).submit(PAGE, {"email": f"{who}@north.example"}) for who in ("librarian", "nobody")
    ]
    assert [(a.status_code, a["Location"], a.content) for a in answers] == [(303, f"{PAGE}?sent=1", b"")] * 2
    with in_library(north):
        assert OutboxMessage.objects.count() == 2, "the same is written for both"
        relay()
    assert [letter.to for letter in mail.outbox] == [["librarian@north.example"]]


@pytest.mark.parametrize("email", ["", "librarian", "a b@north.example", "x" * 300])
def test_what_is_no_address_is_said(north: Any, email: str) -> None:
    page = Browser(north).submit(PAGE, {"email": email})
    assert page.status_code == 400
    check_outline(page)
    assert "E-mail address :" in text_of(page)
    with in_library(north):
        assert not OutboxMessage.objects.exists()


def test_asking_is_limited(north: Any, limits: Any) -> None:
    for _ask in range(3):
        assert Browser(north).submit(PAGE, {"email": "librarian@north.example"}).status_code == 303
    page = Browser(north).submit(PAGE, {"email": "librarian@north.example"})
    assert page.status_code == 429
    check_outline(page)


def test_a_form_of_another_site_asks_for_nothing(north: Any) -> None:
    assert Browser(north).post(PAGE, {"email": "librarian@north.example"}).status_code == 403
    with in_library(north):
        assert not OutboxMessage.objects.exists()
