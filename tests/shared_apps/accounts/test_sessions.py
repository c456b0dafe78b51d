"""A session is renewed until it is ended, and ends whole: access tokens too."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from saas.core import clock
from saas.core.errors import TokenInvalid
from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.models import User
from shared_apps.accounts.services.sessions import REUSE_GRACE
from shared_apps.audit.models import AuditEntry

REFRESH, LOGOUT, ME = "/api/v1/auth/refresh/", "/api/v1/auth/logout/", "/api/v1/me/"


def get_me(api: Any, library: Any, access: str) -> int:
    client = api(library)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    status: int = client.get(ME).status_code
    return status


def renew(api: Any, library: Any, refresh: str) -> Any:
    return api(library).post(REFRESH, {"refresh": refresh}, format="json")


@pytest.fixture
def tokens(person: Any, sign_in: Any) -> dict[str, str]:
    person()
    answer: dict[str, str] = sign_in().json()
    return answer


# -- renewing -------------------------------------------------------------------------------------------------


def test_a_refresh_token_brings_a_new_pair(tokens: Any, api: Any, north: Any) -> None:
    response = renew(api, north, tokens["refresh"])
    assert response.status_code == 200
    fresh = response.json()
    assert fresh["user"] == tokens["user"]
    assert {fresh["access"], fresh["refresh"]}.isdisjoint({tokens["access"], tokens["refresh"]})
    assert get_me(api, north, fresh["access"]) == 200
    # Renewing ends nothing: requests on their way with the former access token are answered.
    assert get_me(api, north, tokens["access"]) == 200


def test_a_spent_refresh_token_is_refused_and_the_new_one_still_works(
    tokens: Any, api: Any, north: Any
) -> None:
    fresh = renew(api, north, tokens["refresh"]).json()
    again = renew(api, north, tokens["refresh"])
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")
    assert renew(api, north, fresh["refresh"]).status_code == 200


def test_a_stolen_refresh_token_ends_the_session_for_thief_and_owner(
    tokens: Any, api: Any, north: Any, sign_in: Any
) -> None:
    other = sign_in().json()
    fresh = renew(api, north, tokens["refresh"]).json()
    later = clock.now() + REUSE_GRACE + timedelta(seconds=5)
    with in_library(north):
        with pytest.raises(TokenInvalid):
            services.refresh_session(refresh=tokens["refresh"], now=later)
        ended = AuditEntry.objects.get(action="session.ended")
        assert ended.changes["reason"] == "refresh_reused"
    assert renew(api, north, fresh["refresh"]).status_code == 401
    assert get_me(api, north, fresh["access"]) == 401
    assert get_me(api, north, other["access"]) == 200


@pytest.mark.parametrize("kind", ["access", "nonsense", ""])
def test_only_a_refresh_token_renews(tokens: Any, api: Any, north: Any, kind: str) -> None:
    text = tokens.get(kind, kind)
    response = renew(api, north, text)
    assert response.status_code == (400 if text == "" else 401)
    assert renew(api, north, tokens["refresh"]).status_code == 200


def test_no_token_at_all_is_refused(api: Any, north: Any) -> None:
    response = api(north).post(REFRESH, {}, format="json")
    assert (response.status_code, response.json()["code"]) == (401, "token_invalid")


def test_a_refresh_token_does_not_open_the_api(tokens: Any, api: Any, north: Any) -> None:
    assert get_me(api, north, tokens["refresh"]) == 401
    assert get_me(api, north, tokens["access"]) == 200


def test_an_old_session_ends_however_often_it_is_renewed(
    tokens: Any, api: Any, north: Any, settings: Any
) -> None:
    fresh = renew(api, north, tokens["refresh"]).json()
    with in_library(north):
        OutstandingToken.objects.update(created_at=clock.now() - settings.SESSION_MAX_AGE)
    assert renew(api, north, fresh["refresh"]).status_code == 401


def test_a_refused_renewal_spends_nothing(tokens: Any, api: Any, north: Any) -> None:
    with in_library(north):
        User.objects.filter(email="lea@north.example").update(is_active=False)
        before = BlacklistedToken.objects.count()
    assert renew(api, north, tokens["refresh"]).status_code == 401
    with in_library(north):
        assert BlacklistedToken.objects.count() == before
        User.objects.filter(email="lea@north.example").update(is_active=True)
    assert renew(api, north, tokens["refresh"]).status_code == 200


# -- what ends every token ------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "md5$salt$other"}])
def test_a_change_of_the_user_ends_every_token_at_once(
    tokens: Any, api: Any, north: Any, change: dict[str, Any]
) -> None:
    assert get_me(api, north, tokens["access"]) == 200
    with in_library(north):
        User.objects.filter(email="lea@north.example").update(**change)
    assert get_me(api, north, tokens["access"]) == 401
    assert renew(api, north, tokens["refresh"]).status_code == 401


def test_a_deleted_user_has_no_tokens(tokens: Any, api: Any, north: Any) -> None:
    with in_library(north):
        User.objects.filter(email="lea@north.example").delete()
    assert get_me(api, north, tokens["access"]) == 401
    assert renew(api, north, tokens["refresh"]).status_code == 401


def test_all_sessions_of_one_user_end_together(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    user = person()
    person("nia")
    mine, hers = [sign_in().json() for _ in range(2)], sign_in("nia").json()
    with in_library(north):
        assert services.end_all_sessions(user=user, reason="test", by=SYSTEM, now=clock.now()) == 4
        assert services.end_all_sessions(user=user, reason="test", by=SYSTEM, now=clock.now()) == 0
    for tokens in mine:
        assert get_me(api, north, tokens["access"]) == 401
        assert renew(api, north, tokens["refresh"]).status_code == 401
    assert get_me(api, north, hers["access"]) == 200


# -- signing out ----------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_access_token_included(
    tokens: Any, api: Any, north: Any, sign_in: Any
) -> None:
    other = sign_in().json()
    response = api(north).post(LOGOUT, {"refresh": tokens["refresh"]}, format="json")
    assert (response.status_code, response.content) == (204, b"")
    assert get_me(api, north, tokens["access"]) == 401
    assert renew(api, north, tokens["refresh"]).status_code == 401
    assert get_me(api, north, other["access"]) == 200


def test_the_access_token_alone_signs_out(tokens: Any, api: Any, north: Any) -> None:
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert client.post(LOGOUT).status_code == 204
    assert renew(api, north, tokens["refresh"]).status_code == 401


def test_signing_out_twice_or_with_nothing_is_no_error(tokens: Any, api: Any, north: Any) -> None:
    for _ in range(2):
        body = {"refresh": tokens["refresh"]}
        assert api(north).post(LOGOUT, body, format="json").status_code == 204
    assert api(north).post(LOGOUT).status_code == 204
    with in_library(north):
        assert AuditEntry.objects.filter(action="session.ended").count() == 1


def test_what_is_no_refresh_token_is_told_so(tokens: Any, api: Any, north: Any) -> None:
    for text in ("nonsense", tokens["access"]):
        response = api(north).post(LOGOUT, {"refresh": text}, format="json")
        assert (response.status_code, response.json()["code"]) == (401, "token_invalid")
    assert get_me(api, north, tokens["access"]) == 200


def test_there_is_no_signing_out_by_a_link(tokens: Any, api: Any, north: Any, settings: Any) -> None:
    settings.ACCOUNT_LOGOUT_ON_GET = True
    client = api(north)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert client.get(LOGOUT).status_code == 405
    assert client.get(ME).status_code == 200


# -- rows -----------------------------------------------------------------------------------------------------


def test_no_row_holds_a_token(tokens: Any, api: Any, north: Any) -> None:
    renew(api, north, tokens["refresh"])
    api(north).post(LOGOUT, {"refresh": tokens["refresh"]}, format="json")
    with in_library(north):
        assert OutstandingToken.objects.count() >= 3
        assert not OutstandingToken.objects.exclude(token="").exists()


def test_a_session_is_kept_as_long_as_its_newest_refresh_token(tokens: Any, north: Any) -> None:
    soon = clock.now() + timedelta(days=10)
    with in_library(north):
        _user, fresh = services.refresh_session(refresh=tokens["refresh"], now=soon)
        kept = OutstandingToken.objects.get(jti=fresh.session).expires_at
    assert kept == soon + timedelta(days=14)


def test_one_refresh_token_sent_many_times_at_once_is_spent_once(committed_library: Any) -> None:
    with in_library(committed_library):
        user = User.objects.get(email="reader@east.example")
        refresh = services.start_session(user=user, now=clock.now()).refresh
    start, answers = threading.Barrier(6), []

    def send() -> None:
        try:
            with in_library(committed_library):
                start.wait()
                services.refresh_session(refresh=refresh, now=clock.now())
                answers.append("renewed")
        except TokenInvalid:
            answers.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["refused"] * 5 + ["renewed"]
    with in_library(committed_library):
        # The session, the token that was spent, and the one that replaced it.
        assert OutstandingToken.objects.filter(user=user).count() == 3
        assert BlacklistedToken.objects.count() == 1
