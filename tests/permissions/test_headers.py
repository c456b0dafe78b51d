"""Every answer of every kind carries the headers and cookies that keep a browser safe, with production's settings."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from csp.middleware import CSPMiddleware
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from rest_framework.test import APIClient

from saas.core.tenancy import in_public
from saas.core.tenancy.hosts import forget_hosts
from saas.settings.env import PROJECT_ROOT
from shared_apps.tenants.models import Library
from tests.database import sandbox
from tests.factories import PASSWORD
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.matrix import MATRIX
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
YEAR = 365 * 24 * 3600
# As in saas/settings/production.py, which cannot be imported here: the test below compares.
PRODUCTION = {
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-session",
    "CSRF_COOKIE_NAME": "__Host-csrf",
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "SECURE_HSTS_SECONDS": 63_072_000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
}
EXACT = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
# The viewers of the OpenAPI document put style elements into their page while they run.
VIEWERS = {"/api/docs/", "/api/redoc/"}
NONCE = re.compile(r"'nonce-([^']+)'")


@pytest.fixture(autouse=True)
def _as_in_production() -> Any:
    with override_settings(**PRODUCTION):
        yield


def over_https(client: Any) -> Any:
    client.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
    return client


def read(answer: Any) -> None:
    """Take a file in, which closes it; a test's client has read every other answer itself."""
    if answer.streaming:
        list(answer.streaming_content)


def check_headers(answer: Any) -> None:
    """Fail for the first header that is missing or says less than it must."""
    for name, value in EXACT.items():
        assert answer[name] == value, name
    hsts = dict(part.strip().partition("=")[::2] for part in answer["Strict-Transport-Security"].split(";"))
    assert int(hsts["max-age"]) >= YEAR
    assert "includeSubDomains" in hsts
    assert all(f"{name}=()" in answer["Permissions-Policy"] for name in ("camera", "geolocation", "usb"))
    assert "publickey-credentials" not in answer["Permissions-Policy"]
    check_policy(answer)


def check_policy(answer: Any) -> None:
    policy = {
        words[0]: words[1:]
        for part in answer["Content-Security-Policy"].split(";")
        if (words := part.split())
    }
    fallback = policy["default-src"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy.get("object-src", fallback) == ["'none'"]
    for name in ("script-src", "style-src", "form-action"):
        sources = policy.get(name, fallback)
        if name == "style-src" and answer.request["PATH_INFO"] in VIEWERS:
            sources = [source for source in sources if source != "'unsafe-inline'"]
        assert all(source in {"'none'", "'self'"} or NONCE.fullmatch(source) for source in sources), name
    if answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming:
        check_nonces(answer)


def check_nonces(answer: Any) -> None:
    """What a page writes into itself is covered by this answer's nonce, and nothing needs more than that."""
    page = answer.content.decode()
    found = NONCE.search(answer["Content-Security-Policy"])
    for tag in re.findall(r"<(?:script|style)\b[^>]*>", page):
        if "src=" not in tag:
            assert found is not None, tag
            assert f'nonce="{found[1]}"' in tag
    assert not re.search(r"\son\w+=|\sstyle=\"|javascript:", page)


def check_cookies(answer: Any) -> set[str]:
    """Names of the cookies that an answer sets; fails for one that another host, or a script, could use."""
    cookies: SimpleCookie = answer.cookies
    for name, cookie in cookies.items():
        assert name.startswith("__Host-"), name
        assert cookie["secure"], name
        assert cookie["path"] == "/", name
        assert cookie["domain"] == "", name
        assert cookie["samesite"] in {"Lax", "Strict"}, name
        # A page's script sends the CSRF token back in a header, so that one is not HttpOnly; an empty one is taken back.
        assert cookie["httponly"] or name == "__Host-csrf" or not cookie.value, name
    return set(cookies)


def test_production_sets_what_is_tested_here() -> None:
    text = (PROJECT_ROOT / "saas/settings/production.py").read_text().replace("_", "")
    for name, value in PRODUCTION.items():
        written = f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
        pattern = rf"\b{name.replace('_', '')}(?: = \w+)? = {re.escape(written.replace('_', ''))}"
        assert re.search(pattern, text), name


# -- every route ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", endpoints(), ids=str)
def test_every_route_for_who_may_and_for_who_may_not(scenes: Scenes, endpoint: Endpoint) -> None:
    scene = scenes.of(endpoint.site)
    roles = MATRIX[endpoint.site][endpoint.key]
    for caller in {sorted(roles)[-1], "anonymous"}:
        example = scenes.example(endpoint.site, endpoint.key, scene, caller)
        client = over_https(scenes.client(scene, caller, browser=endpoint.is_page))
        with sandbox():
            answer = send(client, endpoint.method, example)
            read(answer)
        check_headers(answer)
        check_cookies(answer)
        assert answer.status_code < 500


# -- every kind of failure --------------------------------------------------------------------------------------------


def _broken(client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def fail(*_arguments: Any, **_more: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("tenant_apps.branches.api.views.BranchViewSet.list", fail)
    client.raise_request_exception = False
    return client.get("/api/v1/branches/")


def _broken_middleware(client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def fail(_host: str) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("saas.core.tenancy.middleware.library_for_host", fail)
    client.raise_request_exception = False
    return client.get("/")


def _forged(client: Any, _patch: Any) -> Any:
    client.handler.enforce_csrf_checks = True
    return client.post("/sign-in/", {"identifier": "x", "password": "y"}, format="multipart")


def _not_modified(client: Any, _patch: Any) -> Any:
    tag = client.get("/api/v1/branches/")["ETag"]
    return client.get("/api/v1/branches/", headers={"if-none-match": tag})


def _of_status(status: str) -> Callable[[Any, Any], Any]:
    def ask(client: Any, _patch: Any) -> Any:
        with in_public():
            Library.objects.filter(subdomain="north").update(status=status)
        forget_hosts()
        return client.get("/api/v1/branches/")

    return ask


def _too_many(client: Any, patch: pytest.MonkeyPatch) -> Any:
    from django.conf import settings

    limits = {**settings.RATE_LIMITS, "anonymous": (1, 60)}
    with override_settings(RATE_LIMITS_ENABLED=True, RATE_LIMITS=limits):
        client.get("/api/v1/branches/")
        return client.get("/api/v1/branches/")


KINDS: dict[str, tuple[int, Callable[[Any, Any], Any]]] = {
    "no such page": (404, lambda c, _: c.get("/nowhere/")),
    "no such address of the API": (404, lambda c, _: c.get("/api/v1/nowhere/")),
    "no such row": (404, lambda c, _: c.get("/api/v1/titles/999999999/")),
    "unknown host": (404, lambda c, _: c.get("/", HTTP_HOST="nobody.localhost")),
    "a host that is none": (404, lambda c, _: c.get("/api/v1/me/", HTTP_HOST="a b\x7f")),
    "redirect to the slash": (302, lambda c, _: c.get("/sign-in")),
    "redirect to sign in": (303, lambda c, _: c.get("/account/")),
    "wrong method of the API": (405, lambda c, _: c.put("/api/v1/branches/")),
    "wrong method of a page": (405, lambda c, _: c.put("/sign-in/")),
    "OPTIONS": (405, lambda c, _: c.options("/api/v1/branches/")),
    "preflight": (
        200,
        lambda c, _: c.options(
            "/api/v1/branches/",
            headers={"origin": "https://evil.example", "access-control-request-method": "GET"},
        ),
    ),
    "wrong token": (401, lambda c, _: c.get("/api/v1/me/", headers={"authorization": "Bearer x.y.z"})),
    "forged form": (403, _forged),
    "malformed": (
        400,
        lambda c, _: c.generic("POST", "/api/v1/auth/login/", b"{", content_type="application/json"),
    ),
    "wrong type": (415, lambda c, _: c.generic("POST", "/api/v1/auth/login/", b"x", content_type="text/x")),
    "too large": (
        413,
        lambda c, _: c.generic(
            "POST", "/api/v1/auth/login/", b"[" + b" " * 2_000_000, content_type="application/json"
        ),
    ),
    "a form that is too large": (
        413,
        lambda c, _: c.generic("POST", "/sign-in/", b"a" * 2_000_000, content_type="text/plain"),
    ),
    "in chunks": (411, lambda c, _: c.post("/sign-in/", HTTP_TRANSFER_ENCODING="chunked")),
    "not acceptable": (406, lambda c, _: c.get("/api/v1/branches/", headers={"accept": "image/png"})),
    "not modified": (304, _not_modified),
    "too many": (429, _too_many),
    "suspended": (402, _of_status("suspended")),
    "closed": (410, _of_status("closed")),
    "failure of a view": (500, _broken),
    "failure of a middleware": (500, _broken_middleware),
    "static file": (200, lambda c, _: c.get("/static/core/site.css")),
    "no such static file": (404, lambda c, _: c.get("/static/core/nothing.css")),
    "documentation": (200, lambda c, _: c.get("/api/docs/")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer(north: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    status, ask = KINDS[kind]
    answer = ask(over_https(APIClient(HTTP_HOST="north.localhost")), monkeypatch)
    read(answer)
    assert answer.status_code == status
    check_headers(answer)
    check_cookies(answer)


def test_a_subdomain_that_was_given_up_leads_on_safely(north: Any) -> None:
    with in_public():
        Library.objects.filter(subdomain="north").update(subdomain="northern")
        library = Library.objects.get(subdomain="northern")
        from shared_apps.tenants.models import FormerSubdomain
        from tests.factories import NOW

        FormerSubdomain.objects.create(subdomain="north", library=library, held_until=NOW)
    forget_hosts()
    answer = over_https(APIClient(HTTP_HOST="north.localhost")).get("/")
    assert answer.status_code == 307
    check_headers(answer)


def test_a_page_that_writes_a_script_gets_a_nonce_for_this_answer_alone() -> None:
    """No page of ours needs one today: none holds a script or a style. The next one that does is covered."""
    asked: list[str] = []

    def page(request: Any) -> HttpResponse:
        asked.append(str(request.csp_nonce))
        return HttpResponse("x")

    policies = [CSPMiddleware(page)(RequestFactory().get("/"))["Content-Security-Policy"] for _ in range(3)]
    assert len(set(asked)) == 3
    for nonce, policy in zip(asked, policies, strict=True):
        assert len(nonce) >= 16
        assert policy.count(f"'nonce-{nonce}'") == 2, "for scripts and for styles"


# -- cookies ------------------------------------------------------------------------------------------------------------


def test_the_cookies_of_signing_in(scenes: Scenes) -> None:
    library = scenes.north.library
    account = {"email": f"reader@{library.subdomain}.example", "password": PASSWORD}
    api = over_https(APIClient(HTTP_HOST="north.localhost"))
    by_api = api.post("/api/v1/auth/login/", {**account, "transport": "cookie"}, format="json")
    assert by_api.status_code == 200
    names = check_cookies(by_api)
    assert {"__Host-libraryhub-access", "__Host-libraryhub-refresh", "__Host-csrf"} <= names
    page = over_https(APIClient(HTTP_HOST="north.localhost"))
    form = {"identifier": account["email"], "password": PASSWORD}
    by_page = page.post("/sign-in/", form, format="multipart")
    assert by_page.status_code == 303
    assert "__Host-session" in check_cookies(by_page)
    # What is in them is in no body.
    for answer in (by_api, by_page):
        for cookie in answer.cookies.values():
            assert not cookie.value or cookie.value.encode() not in answer.content
