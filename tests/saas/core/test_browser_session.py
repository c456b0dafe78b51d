"""The kernel's part of signing in at pages: the number changes, one query knows the person, and nobody costs none."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from saas.core import clock
from saas.core.browser_session import (
    BrowserSessionMiddleware,
    close_browser_session,
    open_browser_session,
)
from saas.core.principals import principal_of
from shared_apps.accounts.models import User
from shared_apps.accounts.services import start_session


@pytest.fixture
def librarian(in_north: Any) -> User:
    return User.objects.get(email="librarian@north.example")


def asked(key: str | None = None) -> HttpRequest:
    """A request with this session, past the middleware."""
    request = RequestFactory().get("/")
    request.session = SessionStore(key)
    BrowserSessionMiddleware(lambda _request: HttpResponse())(request)
    return request


def opened(user: User, request: HttpRequest | None = None) -> HttpRequest:
    request = request or asked()
    open_browser_session(request, user=user, session=start_session(user=user, now=clock.now()).session)
    request.session.save()
    return request


def test_a_number_that_was_there_before_is_not_used(librarian: User) -> None:
    planted = SessionStore()
    planted["cart"] = "something"
    planted.save()
    request = opened(librarian, asked(planted.session_key))
    assert request.session.session_key != planted.session_key
    assert "cart" not in request.session
    assert not Session.objects.filter(pk=planted.session_key).exists()


def test_the_csrf_token_changes_with_the_session(librarian: User) -> None:
    from django.middleware.csrf import get_token

    request = asked()
    get_token(request)
    before = request.META["CSRF_COOKIE"]
    opened(librarian, request)
    assert request.META["CSRF_COOKIE"] != before


def test_one_query_brings_the_person_and_their_rights(
    librarian: User, django_assert_num_queries: Any
) -> None:
    key = opened(librarian).session.session_key
    request = asked(key)
    with django_assert_num_queries(2):  # the session and the person
        assert request.user == librarian
        assert principal_of(request).may("circulation.lend")
    with django_assert_num_queries(0):
        assert principal_of(request).user_id == librarian.pk


def test_nobody_costs_no_query(in_north: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        request = asked()
    with django_assert_num_queries(0):
        assert not request.user.is_authenticated


def test_an_unknown_number_is_nobody(in_north: Any) -> None:
    request = asked("a" * 32)
    assert not request.user.is_authenticated
    assert principal_of(request).user_id is None


def test_closing_says_which_session_it_was(librarian: User) -> None:
    request = opened(librarian)
    session = request.session["sid"]
    key = request.session.session_key
    assert close_browser_session(request) == session
    assert isinstance(request.user, AnonymousUser)
    assert not Session.objects.filter(pk=key).exists()
    assert close_browser_session(asked()) is None
