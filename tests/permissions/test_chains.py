"""The light chain of the API answers as the full one would: status, headers and cookies, on every route and every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from saas.core.tenancy import in_public
from saas.core.tenancy.hosts import forget_hosts
from shared_apps.tenants.models import Library
from tests.database import sandbox
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.matrix import MATRIX
from tests.permissions.scenes import Scenes
from tests.permissions.test_headers import PRODUCTION

pytestmark = pytest.mark.django_db
OF_THE_API = [endpoint for endpoint in endpoints() if endpoint.path.startswith("/api/v")]
# They name the request or a row whose number is drawn anew each time.
DRAWN = {"X-Request-ID", "ETag", "Location"}
FULL: dict[str, Any] = {"API_PATHS": ()}


@pytest.fixture(autouse=True)
def _as_in_production() -> Any:
    with override_settings(**PRODUCTION):
        yield


def facts(answer: Any) -> dict[str, Any]:
    """What has to be the same."""
    if answer.streaming:
        list(answer.streaming_content)
    headers = {name: value if name not in DRAWN else "..." for name, value in answer.headers.items()}
    cookies = {
        name: {**cookie, "expires": "", "empty": not cookie.value} for name, cookie in answer.cookies.items()
    }
    headers["Vary"] = ", ".join(sorted(name.strip().lower() for name in headers.get("Vary", "").split(",")))
    if "Content-Length" in headers:
        headers["Content-Length"] = "..."
    return {"status": answer.status_code, "headers": headers, "cookies": cookies}


def both(ask: Callable[[], Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the two chains answer to the same request; `ask` makes its own client, which builds the chain it uses."""
    with sandbox():
        light = facts(ask())
    with sandbox(), override_settings(**FULL):
        full = facts(ask())
    forget_hosts()
    return light, full


@pytest.mark.parametrize("endpoint", OF_THE_API, ids=str)
def test_every_route_for_who_may_and_for_who_may_not(scenes: Scenes, endpoint: Endpoint) -> None:
    scene = scenes.of(endpoint.site)
    for caller in (sorted(MATRIX[endpoint.site][endpoint.key])[-1], "anonymous"):

        def ask(caller: str = caller) -> Any:
            example = scenes.example(endpoint.site, endpoint.key, scene, caller)
            client = scenes.client(scene, caller)
            client.defaults["HTTP_X_FORWARDED_PROTO"] = "https"
            return send(client, endpoint.method, example)

        light, full = both(ask)
        assert light == full, caller


def test_every_route_is_a_view_that_checks_the_csrf_token_and_the_size_of_a_body_itself() -> None:
    """The full chain does both for pages; the views of the API do it in their authentication and their parsers."""
    assert len(OF_THE_API) > 100
    for endpoint in OF_THE_API:
        assert hasattr(endpoint.callback, "cls"), endpoint
        assert endpoint.callback.csrf_exempt, endpoint


def test_the_full_chain_is_the_one_compared_with(north: Any) -> None:
    """A positive control: the two can be told apart by what only one of them gives a request."""
    light = APIClient(HTTP_HOST="north.localhost").get("/api/v1/branches/").wsgi_request
    with override_settings(**FULL):
        full = APIClient(HTTP_HOST="north.localhost").get("/api/v1/branches/").wsgi_request
    assert hasattr(full, "session")
    assert not hasattr(light, "session")
    page = APIClient(HTTP_HOST="north.localhost").get("/sign-in/").wsgi_request
    assert hasattr(page, "session")


# -- hostile ------------------------------------------------------------------------------------------------------------


def _of_status(status: str) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        with in_public():
            Library.objects.filter(subdomain="north").update(status=status)
        forget_hosts()
        return client.post("/api/v1/branches/", {}, format="json")

    return ask


def _renamed(client: Any) -> Any:
    from shared_apps.tenants.models import FormerSubdomain
    from tests.factories import NOW

    with in_public():
        Library.objects.filter(subdomain="north").update(subdomain="northern")
        library = Library.objects.get(subdomain="northern")
        FormerSubdomain.objects.create(subdomain="north", library=library, held_until=NOW)
    forget_hosts()
    return client.get("/api/v1/branches/")


def _too_many(client: Any) -> Any:
    from django.conf import settings
    from django.core.cache import cache

    cache.client.get_client(write=True).flushdb()
    limits = {**settings.RATE_LIMITS, "anonymous": (1, 60)}
    with override_settings(RATE_LIMITS_ENABLED=True, RATE_LIMITS=limits):
        client.get("/api/v1/branches/")
        return client.get("/api/v1/branches/")


def _not_modified(client: Any) -> Any:
    return client.get("/api/v1/branches/", headers={"if-none-match": client.get("/api/v1/branches/")["ETag"]})


def _listed_origin(method: str, **headers: str) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        with in_public():
            Library.objects.filter(subdomain="north").update(allowed_origins=["https://friend.example"])
        forget_hosts()
        return client.generic(
            method, "/api/v1/branches/", headers={"origin": "https://friend.example", **headers}
        )

    return ask


def _broken(target: str) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        def fail(*_arguments: Any, **_more: Any) -> Any:
            raise ZeroDivisionError

        client.raise_request_exception = False
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(target, fail)
            return client.get("/api/v1/branches/")

    return ask


def _cookies(**cookies: str) -> Callable[[Any], Any]:
    def ask(client: Any) -> Any:
        for name, value in cookies.items():
            client.cookies[name.replace("_host_", "__Host-")] = value
        return client.post("/api/v1/branches/", {}, format="json")

    return ask


LOGIN = "/api/v1/auth/login/"
BRANCHES = "/api/v1/branches/"
HOSTILE: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "unknown host": (404, lambda c: c.get(BRANCHES, HTTP_HOST="nobody.localhost")),
    "a host that is none": (404, lambda c: c.get(BRANCHES, HTTP_HOST="a b\x7f")),
    "no host": (404, lambda c: c.get(BRANCHES, HTTP_HOST="")),
    "public site": (404, lambda c: c.get(BRANCHES, HTTP_HOST="localhost")),
    "suspended": (402, _of_status("suspended")),
    "restricted": (402, _of_status("restricted")),
    "closed": (410, _of_status("closed")),
    "renamed": (307, _renamed),
    "in chunks": (411, lambda c: c.post(LOGIN, HTTP_TRANSFER_ENCODING="chunked")),
    "in chunks, unknown host": (
        411,
        lambda c: c.post(LOGIN, HTTP_TRANSFER_ENCODING="chunked", HTTP_HOST="nobody.localhost"),
    ),
    "too large": (413, lambda c: c.generic("POST", LOGIN, b"[" + b" " * 2_000_000, "application/json")),
    "malformed": (400, lambda c: c.generic("POST", LOGIN, b"{", "application/json")),
    "wrong type": (415, lambda c: c.generic("POST", LOGIN, b"x", "text/x")),
    "form": (415, lambda c: c.post(LOGIN, {"email": "x"}, format="multipart")),
    "forged session": (401, _cookies(_host_session="x" * 32)),
    "malformed CSRF cookie": (401, _cookies(_host_csrf="not a token")),
    "CSRF cookie": (401, _cookies(_host_csrf="a" * 32)),
    "forged token cookie": (403, _cookies(**{"_host_libraryhub-access": "a.b.c"})),
    "unreadable cookies": (
        401,
        lambda c: c.post(BRANCHES, {}, format="json", HTTP_COOKIE="\xff;=;;a=b=c;\x01"),
    ),
    "sign in by cookie": (
        200,
        lambda c: c.post(
            LOGIN,
            {"email": "reader@north.example", "password": "correct-horse-battery", "transport": "cookie"},
            format="json",
        ),
    ),
    "preflight of a stranger": (
        200,
        lambda c: c.options(
            BRANCHES, headers={"origin": "https://evil.example", "access-control-request-method": "GET"}
        ),
    ),
    "preflight": (200, _listed_origin("OPTIONS", **{"access-control-request-method": "PATCH"})),
    "preflight without an origin": (
        200,
        lambda c: c.options(BRANCHES, headers={"access-control-request-method": "GET"}),
    ),
    "across origins": (200, _listed_origin("GET")),
    "stranger across origins": (200, lambda c: c.get(BRANCHES, headers={"origin": "https://evil.example"})),
    "null origin": (200, lambda c: c.get(BRANCHES, headers={"origin": "null"})),
    "origin that is none": (200, lambda c: c.get(BRANCHES, headers={"origin": "https://[x"})),
    "empty origin": (200, lambda c: c.get(BRANCHES, headers={"origin": ""})),
    "OPTIONS": (405, lambda c: c.options(BRANCHES)),
    "HTTP/1.0": (200, lambda c: c.get(BRANCHES, SERVER_PROTOCOL="HTTP/1.0")),
    "HEAD": (200, lambda c: c.head(BRANCHES)),
    "HEAD of nothing": (404, lambda c: c.head("/api/v1/nothing/")),
    "TRACE": (405, lambda c: c.trace(BRANCHES)),
    "a method that is none": (405, lambda c: c.generic("BREW", BRANCHES)),
    "no such address": (404, lambda c: c.get("/api/v1/nothing/")),
    "no such version": (404, lambda c: c.get("/api/v9/branches/")),
    "no slash": (404, lambda c: c.get("/api/v1/branches")),
    "no slash, with a body": (404, lambda c: c.post("/api/v1/branches", {}, format="json")),
    "no such row": (404, lambda c: c.get("/api/v1/titles/999999999/")),
    "two slashes": (404, lambda c: c.get("/api/v1//branches/")),
    "control characters in the path": (404, lambda c: c.get("/api/v1/\x00\r\n/")),
    "no form of it": (406, lambda c: c.get(BRANCHES, headers={"accept": "image/png"})),
    "a language": (200, lambda c: c.get(BRANCHES, headers={"accept-language": "it, en;q=0.5"})),
    "no language": (401, lambda c: c.get("/api/v1/me/", headers={"accept-language": "\x00;q=x, *;q=-1"})),
    "not modified": (304, _not_modified),
    "too many": (429, _too_many),
    "wrong token": (401, lambda c: c.get("/api/v1/me/", headers={"authorization": "Bearer x.y.z"})),
    "wrong visit": (401, lambda c: c.get("/api/v1/me/", headers={"authorization": "Visit x"})),
    "wrong key": (401, lambda c: c.get("/api/v1/me/", headers={"authorization": "Api-Key x.y"})),
    "unknown parameter": (400, lambda c: c.get(BRANCHES + "?x=1")),
    "failure of a view": (500, _broken("tenant_apps.branches.api.views.BranchViewSet.initial")),
    "failure of a middleware": (500, _broken("saas.core.tenancy.middleware.library_for_host")),
    "failure of the language": (500, _broken("saas.core.middleware.language_for")),
}


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_every_refusal(north: Any, kind: str, scheme: str) -> None:
    status, ask = HOSTILE[kind]

    def send_it() -> Any:
        client = APIClient(HTTP_HOST="north.localhost", enforce_csrf_checks=True)
        client.defaults["HTTP_X_FORWARDED_PROTO"] = scheme
        return ask(client)

    light, full = both(send_it)
    assert light["status"] == status
    assert light == full
    if status != 304:
        assert (
            re.fullmatch(
                "max-age=63072000; includeSubDomains; preload",
                light["headers"].get("Strict-Transport-Security", ""),
            )
            or scheme == "http"
        )
