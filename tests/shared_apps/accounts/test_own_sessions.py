"""The list of one's sessions, ending them, and the mails about new devices and stolen tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.http import SimpleCookie
from freezegun import freeze_time

from saas.core import clock
from saas.core.errors import TokenInvalid
from saas.core.tenancy import in_library
from shared_apps.accounts import services
from shared_apps.accounts.clients import Client
from shared_apps.accounts.models import User, UserSession
from shared_apps.accounts.services.sessions import REUSE_GRACE
from shared_apps.audit.models import AuditEntry
from shared_apps.delivery.services import relay
from tests.pages import Browser

pytestmark = pytest.mark.django_db
SESSIONS, ME = "/api/v1/auth/sessions/", "/api/v1/me/"
REFRESH, LOGIN = "/api/v1/auth/refresh/", "/api/v1/auth/login/"
PASSWORD = "correct-horse-battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def bearer(api: Any, library: Any, access: str) -> Any:
    client = api(library)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def listed(client: Any) -> list[dict[str, Any]]:
    answer = client.get(SESSIONS)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def letters(library: Any) -> list[Any]:
    mail.outbox.clear()
    with in_library(library):
        relay()
    return list(mail.outbox)


# -- the list -------------------------------------------------------------------------------------------------


def test_the_list_says_where_somebody_is_signed_in(person: Any, api: Any, north: Any) -> None:
    person()
    phone = api(north)
    body = {"email": "lea@north.example", "password": PASSWORD}
    first = phone.post(
        LOGIN, body, format="json", REMOTE_ADDR="192.0.2.77", HTTP_USER_AGENT="curl/8.5.0"
    ).json()
    second = phone.post(
        LOGIN, body, format="json", REMOTE_ADDR="2001:db8:1:2::9", HTTP_USER_AGENT=FIREFOX
    ).json()
    newest, oldest = listed(bearer(api, north, second["access"]))
    assert (newest["device"], newest["network"], newest["current"]) == (
        "Firefox on Linux",
        "2001:db8:1::/48",
        True,
    )
    assert (oldest["device"], oldest["network"], oldest["current"]) == ("curl", "192.0.2.0/24", False)
    assert {row["opened_with"] for row in (newest, oldest)} == {"email"}
    assert [row["current"] for row in listed(bearer(api, north, first["access"]))] == [False, True]


def test_the_whole_address_is_kept_nowhere_in_it(person: Any, api: Any, north: Any) -> None:
    person()
    body = {"email": "lea@north.example", "password": PASSWORD}
    api(north).post(LOGIN, body, format="json", REMOTE_ADDR="192.0.2.77")
    with in_library(north):
        [row] = UserSession.objects.filter(user__email="lea@north.example").values()
    assert "192.0.2.77" not in str(row)


def test_a_session_is_seen_when_it_is_renewed_and_not_at_each_request(
    person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    person()
    with freeze_time(clock.now()) as time:
        tokens = sign_in().json()
        [before] = listed(bearer(api, north, tokens["access"]))
        time.tick(timedelta(minutes=5))
        [same] = listed(bearer(api, north, tokens["access"]))
        assert same["last_seen_at"] == before["last_seen_at"] == before["started_at"]
        fresh = api(north).post(REFRESH, {"refresh": tokens["refresh"]}, format="json").json()
        [seen] = listed(bearer(api, north, fresh["access"]))
    assert seen["id"] == before["id"]
    assert seen["started_at"] == before["started_at"]
    assert seen["last_seen_at"] > before["last_seen_at"]


def test_the_list_is_ones_own_and_of_this_library(
    person: Any, sign_in: Any, api: Any, north: Any, south: Any
) -> None:
    person()
    person("nia")
    tokens = sign_in().json()
    sign_in("nia")
    assert len(listed(bearer(api, north, tokens["access"]))) == 1
    assert bearer(api, south, tokens["access"]).get(SESSIONS).status_code == 401
    assert api(north).get(SESSIONS).status_code == 401


def test_a_browser_at_the_pages_is_in_the_list_and_can_be_ended(
    person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    person()
    browser = Browser(north)
    assert browser.sign_in("lea@north.example", PASSWORD).status_code == 303
    assert browser.get("/account/").status_code == 200
    client = bearer(api, north, sign_in().json()["access"])
    [page] = [row for row in listed(client) if not row["current"]]
    assert client.delete(f"{SESSIONS}{page['id']}/").status_code == 204
    assert browser.get("/account/").status_code == 303
    assert [row["current"] for row in listed(client)] == [True]


def test_a_session_of_an_older_release_appears_when_it_is_renewed(
    person: Any, sign_in: Any, api: Any, north: Any
) -> None:
    person()
    tokens = sign_in().json()
    with in_library(north):
        UserSession.objects.all().delete()
    fresh = api(north).post(REFRESH, {"refresh": tokens["refresh"]}, format="json").json()
    [row] = listed(bearer(api, north, fresh["access"]))
    assert (row["current"], row["device"]) == (True, "")


# -- ending ---------------------------------------------------------------------------------------------------


def test_an_ended_session_is_out_at_once(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    person()
    here, there = sign_in().json(), sign_in().json()
    client = bearer(api, north, here["access"])
    [other] = [row for row in listed(client) if not row["current"]]
    assert client.delete(f"{SESSIONS}{other['id']}/").status_code == 204
    assert bearer(api, north, there["access"]).get(ME).status_code == 401
    answer = api(north).post(REFRESH, {"refresh": there["refresh"]}, format="json")
    assert answer.status_code == 401
    assert client.get(ME).status_code == 200
    assert client.delete(f"{SESSIONS}{other['id']}/").status_code == 404


def test_nobody_ends_the_session_of_another(
    person: Any, sign_in: Any, api: Any, north: Any, south: Any
) -> None:
    person()
    person("nia")
    hers = sign_in("nia").json()
    client = bearer(api, north, sign_in().json()["access"])
    with in_library(north):
        row = UserSession.objects.get(user__email="nia@north.example")
    foreign = client.delete(f"{SESSIONS}{row.pk}/")
    missing = client.delete(f"{SESSIONS}4611686018427387904/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert bearer(api, south, hers["access"]).delete(SESSIONS).status_code == 401
    assert api(north).delete(SESSIONS).status_code == 401
    client.delete(SESSIONS)
    assert bearer(api, north, hers["access"]).get(ME).status_code == 200


def test_all_others_end_together(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    person()
    others = [sign_in().json() for _ in range(2)]
    browser = Browser(north)
    browser.sign_in("lea@north.example", PASSWORD)
    here = sign_in().json()
    client = bearer(api, north, here["access"])
    assert client.delete(SESSIONS).status_code == 204
    for tokens in others:
        assert bearer(api, north, tokens["access"]).get(ME).status_code == 401
        answer = api(north).post(REFRESH, {"refresh": tokens["refresh"]}, format="json")
        assert answer.status_code == 401
    assert browser.get("/account/").status_code == 303
    assert [row["current"] for row in listed(client)] == [True]
    assert api(north).post(REFRESH, {"refresh": here["refresh"]}, format="json").status_code == 200


def test_what_is_over_is_forgotten_with_its_tokens(person: Any, sign_in: Any, north: Any) -> None:
    person()
    sign_in()
    with in_library(north):
        services.purge_sessions(now=clock.now() + timedelta(days=13))
        assert UserSession.objects.filter(user__email="lea@north.example").exists()
        services.purge_sessions(now=clock.now() + timedelta(days=15))
        assert not UserSession.objects.filter(user__email="lea@north.example").exists()


# -- mails ----------------------------------------------------------------------------------------------------


def test_a_browser_that_is_new_is_mailed_once(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    person()
    known = api(north)
    sign_in(client=known, transport="cookie")
    assert letters(north) == [], "the first sign-in of an account is its owner's"
    sign_in(client=known, transport="cookie")
    assert letters(north) == []
    other = api(north)
    sign_in(client=other, transport="cookie")
    [letter] = letters(north)
    assert letter.to == ["lea@north.example"]
    assert "New sign-in" in letter.subject
    assert "127.0.0.0/24" in letter.body
    sign_in(client=other, transport="cookie")
    assert letters(north) == []


def test_a_browser_at_the_pages_is_mailed_too(person: Any, north: Any) -> None:
    person()
    Browser(north).sign_in("lea@north.example", PASSWORD)
    letters(north)
    Browser(north).sign_in("lea@north.example", PASSWORD)
    assert len(letters(north)) == 1


def test_a_wrong_password_mails_nothing(person: Any, sign_in: Any, north: Any) -> None:
    person()
    sign_in()
    letters(north)
    sign_in(password="wrong-one", transport="cookie")
    assert letters(north) == []


def test_a_device_of_somebody_else_is_new(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    """Readers share machines: whose cookie it is counts."""
    person()
    person("nia")
    shared = api(north)
    for name in ("lea", "nia"):
        sign_in(name)
    letters(north)
    sign_in("lea", client=shared, transport="cookie")
    assert len(letters(north)) == 1
    sign_in("nia", client=shared, transport="cookie")
    assert [letter.to for letter in letters(north)] == [["nia@north.example"]]


def test_a_client_without_cookies_is_known_by_its_name_and_network(person: Any, north: Any) -> None:
    user = person()
    script = Client("address:192.0.2.1", "curl/8")
    elsewhere = (Client("address:192.0.3.1", "curl/8"), Client("address:192.0.2.1", "wget/1"))
    with in_library(north):
        for client in (script, script, *elsewhere):
            user.refresh_from_db()
            services.start_session(user=user, client=client, now=clock.now())
    assert len(letters(north)) == 2


def test_a_stolen_refresh_token_is_told_to_its_owner_once(person: Any, sign_in: Any, north: Any) -> None:
    user = person()
    spent = sign_in().json()["refresh"]
    now = clock.now()
    with in_library(north):
        _user, _fresh = services.refresh_session(refresh=spent, now=now)
    letters(north)
    later = now + REUSE_GRACE + timedelta(seconds=5)
    for _again in range(2):
        with in_library(north), pytest.raises(TokenInvalid):
            services.refresh_session(refresh=spent, now=later)
    with freeze_time(later):
        # The library's admins hear of it as well (shared_apps.security).
        [letter] = [letter for letter in letters(north) if letter.to == ["lea@north.example"]]
    assert "was ended" in letter.subject
    with in_library(north):
        entry = AuditEntry.objects.get(action="session.token_reused")
    assert entry.target_id == str(user.pk)


def test_two_tabs_within_a_minute_are_no_theft(person: Any, sign_in: Any, api: Any, north: Any) -> None:
    person()
    refresh = sign_in().json()["refresh"]
    letters(north)
    api(north).post(REFRESH, {"refresh": refresh}, format="json")
    assert api(north).post(REFRESH, {"refresh": refresh}, format="json").status_code == 401
    assert letters(north) == []
    with in_library(north):
        assert not AuditEntry.objects.filter(action="session.token_reused").exists()


def test_a_device_cookie_of_another_library_is_no_device(
    person: Any, sign_in: Any, api: Any, north: Any, south: Any
) -> None:
    user = person()
    with in_library(south):
        twin = User.objects.create_user("lea@south.example")
        twin.pk = user.pk
        from shared_apps.accounts.services import attempts

        cookie = attempts.new_device(twin)
    sign_in()
    letters(north)
    client = api(north)
    client.cookies = SimpleCookie({"libraryhub-device": cookie})
    sign_in(client=client, transport="cookie")
    assert len(letters(north)) == 1
