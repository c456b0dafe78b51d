"""Sessions past their time are deleted in every library, and none that somebody still has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.models import User
from shared_apps.accounts.tasks import purge_sessions
from tests.pages import Browser

pytestmark = pytest.mark.django_db
LATER = dt.timedelta(days=15)


def counted(library: Any) -> tuple[int, int]:
    with in_library(library):
        return Session.objects.count(), OutstandingToken.objects.count()


def test_what_is_past_its_time_is_deleted_everywhere(north: Any, south: Any, monkeypatch: Any) -> None:
    for library in (north, south):
        Browser(library, "librarian")
    with in_library(south):
        reader = User.objects.get(email="reader@south.example")
        kept = services.start_session(user=reader, now=clock.now() + LATER)
        ended = services.start_session(user=reader, now=clock.now() + LATER)
        services.end_session(session=ended.session, reason="test", by=SYSTEM, now=clock.now())
    moment = clock.now() + LATER
    monkeypatch.setattr("shared_apps.accounts.tasks.clock.now", lambda: moment)
    purge_sessions()
    assert counted(north) == (0, 0)
    # A session and its refresh token, for each of the two.
    assert counted(south) == (0, 4)
    with in_library(south):
        assert OutstandingToken.objects.filter(jti=kept.session).exists()
        assert BlacklistedToken.objects.filter(token__jti=ended.session).exists(), (
            "what was ended stays ended"
        )


def test_what_somebody_still_has_stays(north: Any, api: Callable[..., Any]) -> None:
    browser = Browser(north, "librarian")
    with in_library(north):
        reader = User.objects.get(email="reader@north.example")
        tokens = services.start_session(user=reader, now=clock.now())
    before = counted(north)
    purge_sessions()
    assert counted(north) == before
    assert browser.get("/account/").status_code == 200
    answer = api(north).get("/api/v1/me/", headers={"Authorization": f"Bearer {tokens.access}"})
    assert answer.status_code == 200


def test_a_purged_session_does_not_come_back(north: Any) -> None:
    """Its row is gone, and what is gone counts as ended."""
    browser = Browser(north, "librarian")
    with in_library(north):
        OutstandingToken.objects.all().delete()
    assert browser.get("/account/").status_code == 303
