"""Browsers: tokens in cookies that no script reads and no other site can use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.test import APIClient

from saas.core.api.authentication import cookie_name, require_csrf_token
from saas.core.errors import CsrfFailed
from saas.core.tenancy import in_library

pytestmark = pytest.mark.django_db
ACCESS, REFRESH = "libraryhub-access", "libraryhub-refresh"
SETTINGS, ME = "/api/v1/settings/", "/api/v1/me/"


@pytest.fixture
def browser(north: Any) -> Any:
    """A client that checks CSRF tokens as a real server does."""
    return APIClient(enforce_csrf_checks=True, HTTP_HOST="north.localhost")


@pytest.fixture
def signed_in(browser: Any) -> Any:
    """The admin's browser, and its CSRF token as our pages would send it."""
    body = {"email": "admin@north.example", "password": "correct-horse-battery", "transport": "cookie"}
    assert browser.post("/api/v1/auth/login/", body, format="json").status_code == 200
    return browser


def proof(browser: Any) -> dict[str, str]:
    return {"HTTP_X_CSRFTOKEN": browser.cookies["csrftoken"].value}


def test_cookies_bring_the_tokens_and_the_body_does_not(person: Any, sign_in: Any, browser: Any) -> None:
    person()
    response = sign_in(client=browser, transport="cookie")
    assert set(response.json()) == {"user"}
    for name in (ACCESS, REFRESH, "libraryhub-device"):
        cookie = response.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert cookie["max-age"]
        assert cookie.value not in response.content.decode()
    assert "sessionid" not in response.cookies


def test_over_https_the_cookies_are_secure_and_bound_to_the_host(
    person: Any, sign_in: Any, browser: Any, settings: Any
) -> None:
    settings.SESSION_COOKIE_SECURE = True
    person()
    response = sign_in(client=browser, transport="cookie")
    assert cookie_name(ACCESS) == "__Host-libraryhub-access"
    for name in (ACCESS, REFRESH, "libraryhub-device"):
        assert response.cookies[f"__Host-{name}"]["secure"]
        assert name not in response.cookies
    assert browser.get(ME).status_code == 200


def test_reading_needs_the_cookie_alone(signed_in: Any, api: Any, north: Any) -> None:
    assert signed_in.get(ME).json()["email"] == "admin@north.example"
    assert api(north).get(ME).status_code == 401


def test_changing_needs_the_csrf_token(signed_in: Any) -> None:
    tag = {"HTTP_IF_MATCH": signed_in.get(SETTINGS).headers["ETag"]}
    body = {"contact_email": "desk@north.example"}
    refused = signed_in.patch(SETTINGS, body, format="json", **tag)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    wrong = signed_in.patch(SETTINGS, body, format="json", HTTP_X_CSRFTOKEN="a" * 64, **tag)
    assert wrong.status_code == 403
    assert signed_in.get(SETTINGS).json()["contact_email"] == ""
    assert signed_in.patch(SETTINGS, body, format="json", **tag, **proof(signed_in)).status_code == 200
    assert signed_in.get(SETTINGS).json()["contact_email"] == "desk@north.example"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://south.localhost", "null"])
def test_another_site_cannot_send_it(signed_in: Any, origin: str) -> None:
    tag = {"HTTP_IF_MATCH": signed_in.get(SETTINGS).headers["ETag"]}
    sent = {**tag, **proof(signed_in), "HTTP_ORIGIN": origin}
    assert signed_in.patch(SETTINGS, {"country": "DE"}, format="json", **sent).status_code == 403
    own = {**sent, "HTTP_ORIGIN": "http://north.localhost"}
    assert signed_in.patch(SETTINGS, {"country": "DE"}, format="json", **own).status_code == 200


def test_a_bearer_token_needs_no_csrf_token(person: Any, sign_in: Any, browser: Any) -> None:
    access = sign_in("admin").json()["access"]
    browser.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    tag = {"HTTP_IF_MATCH": browser.get(SETTINGS).headers["ETag"]}
    assert browser.patch(SETTINGS, {"country": "DE"}, format="json", **tag).status_code == 200


def test_the_header_counts_before_the_cookie(signed_in: Any) -> None:
    assert signed_in.get(ME).status_code == 200
    assert signed_in.get(ME, HTTP_AUTHORIZATION="Bearer nonsense").status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/auth/refresh/", "/api/v1/auth/logout/"])
def test_renewing_and_signing_out_by_cookie_need_the_csrf_token(signed_in: Any, path: str) -> None:
    before = signed_in.cookies[REFRESH].value
    refused = signed_in.post(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    assert signed_in.cookies[REFRESH].value == before
    assert signed_in.get(ME).status_code == 200
    assert signed_in.post(path, **proof(signed_in)).status_code in (200, 204)
    assert signed_in.cookies[REFRESH].value != before


def test_a_renewed_cookie_session_goes_on(signed_in: Any) -> None:
    former = {name: signed_in.cookies[name].value for name in (ACCESS, REFRESH)}
    response = signed_in.post("/api/v1/auth/refresh/", **proof(signed_in))
    assert set(response.json()) == {"user"}
    assert former[REFRESH] != signed_in.cookies[REFRESH].value
    assert signed_in.get(ME).status_code == 200
    signed_in.cookies[REFRESH] = former[REFRESH]
    assert signed_in.post("/api/v1/auth/refresh/", **proof(signed_in)).status_code == 401


def test_signing_out_clears_the_cookies_and_ends_the_session(signed_in: Any) -> None:
    kept = signed_in.cookies[ACCESS].value
    response = signed_in.post("/api/v1/auth/logout/", **proof(signed_in))
    assert response.status_code == 204
    for name in (ACCESS, REFRESH):
        assert response.cookies[name].value == ""
        assert response.cookies[name]["max-age"] == 0
    signed_in.cookies[ACCESS] = kept
    assert signed_in.get(ME).status_code == 401


def test_a_browser_is_rid_of_bad_cookies_by_signing_out(signed_in: Any) -> None:
    signed_in.cookies[REFRESH] = "nonsense"
    signed_in.cookies[ACCESS] = "nonsense"
    response = signed_in.post("/api/v1/auth/logout/", **proof(signed_in))
    assert response.status_code == 204
    assert response.cookies[ACCESS].value == ""


def test_signing_in_by_a_foreign_form_is_not_possible(browser: Any) -> None:
    """A form can send only these types, and none of them is read: nobody is signed in as somebody else."""
    body = '{"email": "admin@north.example", "password": "correct-horse-battery", "transport": "cookie"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        response = browser.post("/api/v1/auth/login/", body, content_type=kind)
        assert response.status_code in (400, 415)
        assert not response.cookies.get(ACCESS)
    assert browser.post("/api/v1/auth/login/", body, content_type="application/json").cookies[ACCESS].value


def test_a_new_session_gets_a_new_csrf_token(signed_in: Any) -> None:
    before = signed_in.cookies["csrftoken"].value
    body = {"email": "admin@north.example", "password": "correct-horse-battery", "transport": "cookie"}
    signed_in.post("/api/v1/auth/login/", body, format="json")
    assert signed_in.cookies["csrftoken"].value != before


def test_the_check_does_not_read_the_body(north: Any) -> None:
    """An upload of half a gigabyte must not be read to find a form field in it."""
    make: Callable[..., Any] = RequestFactory(enforce_csrf_checks=True).post
    request = make("/", {"csrfmiddlewaretoken": "x" * 32}, HTTP_HOST="north.localhost")
    request.COOKIES["csrftoken"] = "x" * 32
    with in_library(north), pytest.raises(CsrfFailed):
        require_csrf_token(request)
    assert not request._read_started
    request.META["HTTP_X_CSRFTOKEN"] = "x" * 32
    require_csrf_token(request)
    assert not request._read_started
