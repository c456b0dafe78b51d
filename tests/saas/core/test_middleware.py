"""Request ids, headers, language and slashes, on real answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from saas.core.tenancy import in_public
from shared_apps.tenants.models import Library

pytestmark = pytest.mark.django_db


@pytest.fixture
def library_site(north: Any) -> Client:
    return Client(HTTP_HOST="north.localhost")


def test_a_well_formed_request_id_is_taken_and_any_other_replaced(library_site: Client) -> None:
    for good in ("7", "abc-12345678", "x" * 128):
        assert library_site.get("/health/live/", headers={"x-request-id": good})["X-Request-ID"] == good
    for bad in ("", "x" * 129, "has space 12345", "a\x1b[31mred-123456", "a&b"):
        made = library_site.get("/health/live/", headers={"x-request-id": bad})["X-Request-ID"]
        assert made != bad
        assert len(made) == 32


@pytest.mark.parametrize("path", ["/", "/health/live/", "/api/v1/titles/", "/api/v1/nothing/", "/nothing/"])
def test_every_answer_has_the_security_headers(library_site: Client, path: str) -> None:
    answer = library_site.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]


def test_a_browser_without_a_language_of_ours_gets_the_librarys(library_site: Client, north: Any) -> None:
    with in_public():
        Library.objects.filter(pk=north.id).update(language="it")
    assert library_site.get("/api/v1/nothing/", headers={"accept-language": "xx"})["Content-Language"] == "it"
    assert library_site.get("/api/v1/nothing/", headers={"accept-language": "en"})["Content-Language"] == "en"
    assert Client(HTTP_HOST="localhost").get("/api/v1/nothing/")["Content-Language"] == "en"


def test_the_language_of_one_request_does_not_stay_for_the_next(library_site: Client) -> None:
    titles = [
        library_site.get("/api/v1/nothing/", headers={"accept-language": language}).json()["title"]
        for language in ("it", "en", "it")
    ]
    assert titles[0] == titles[2]


def test_a_page_without_its_slash_is_redirected_and_the_api_is_not(library_site: Client) -> None:
    answer = library_site.get("/titles/1?x=1")
    assert (answer.status_code, answer["Location"]) == (302, "/titles/1/?x=1")
    assert library_site.get("/api/v1/titles").status_code == 404
    assert library_site.post("/api/v1/titles").status_code == 404
    assert library_site.get("//evil.example/x").status_code == 404


@pytest.mark.parametrize("coding", ["chunked", "gzip, chunked", "identity", ""])
@pytest.mark.parametrize("path", ["/api/v1/auth/login/", "/sign-in/"])
def test_a_body_without_an_announced_end_is_refused_and_never_taken_for_an_empty_one(
    library_site: Client, path: str, coding: str
) -> None:
    body = b'{"email": "admin@north.example", "password": "correct-horse-battery"}'
    sent: Any = {"data": body, "content_type": "application/json"}
    answer = library_site.post(
        path, **sent, headers={"transfer-encoding": coding, "accept": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
    assert library_site.post("/api/v1/auth/login/", **sent).status_code == 200


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=\x01"])
@pytest.mark.parametrize("path", ["/sign-in/", "/password/reset/", "/desk/checkouts/"])
def test_a_form_that_cannot_be_taken_apart_is_the_senders_mistake(
    north: Any, path: str, content_type: str
) -> None:
    for wanted, expected in (("application/json", b'"malformed_request"'), ("text/html", b"<h1")):
        browser = Client(HTTP_HOST="north.localhost", enforce_csrf_checks=True)
        browser.cookies["csrftoken"] = "a" * 32
        answer = browser.post(path, b"--x--", content_type=content_type, headers={"accept": wanted})
        assert answer.status_code == 400
        assert expected in answer.content


def test_health_is_on_both_sites_and_tells_which_part_is_missing(
    library_site: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from saas.core import health

    for client in (library_site, Client(HTTP_HOST="localhost")):
        assert client.get("/health/live/").json() == {"status": "ok"}
        ready = client.get("/health/ready/")
        assert (ready.status_code, set(ready.json()["checks"].values())) == (200, {"ok"})

    def broken() -> bool:
        raise ConnectionError("redis.internal.example refused")

    monkeypatch.setitem(health.CHECKS, "cache", broken)
    answer = library_site.get("/health/ready/")
    assert answer.status_code == 503
    assert answer.json()["checks"]["cache"] == "failed"
    assert "redis.internal.example" not in answer.content.decode()
    assert library_site.get("/health/live/").status_code == 200
    assert library_site.post("/health/live/").status_code == 405
