"""Providers that are down, slow, endless, redirect or talk nonsense: a clear problem, soon, and nothing is written."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.identity_provider import FakeProvider, answer_with
from tests.snapshots import differences, snapshot
from tests.tenant_apps.federation.conftest import SOCIAL, Visitor, link, set_up

pytestmark = pytest.mark.django_db
Answering = Callable[[BaseHTTPRequestHandler], None]
SECONDS = 0.5


@pytest.fixture(autouse=True)
def soon(settings: Any) -> None:
    settings.OUTGOING_SECONDS = SECONDS


@pytest.fixture
def school(north: Any, fake: FakeProvider) -> Any:
    provider = set_up(north, issuer=fake.issuer)
    link(north, provider, subject="person-1", email="reader@north.example")
    return provider


def slow(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(SECONDS * 3)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: no single wait is long."""
    with contextlib.suppress(OSError):
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        for _byte in range(60):
            handler.wfile.write(b" ")
            time.sleep(SECONDS / 10)


def dripping_headers(handler: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for at in range(60):
            handler.wfile.write(b"X-%d: y\r\n" % at)
            time.sleep(SECONDS / 10)


def endless(handler: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _block in range(4096):
            handler.wfile.write(b"[" * 65536)


def compressed(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 200, b"\x1f\x8b", "application/json", Content_Encoding="gzip")


def redirect(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 302, b"", "text/html", Location="/elsewhere")


def page(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 200, b"<html>Welcome</html>", "text/html")


def deep(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 200, b"[" * 100_000, "application/json")


def listed(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 200, b"[1, 2]", "application/json")


def broken(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\xffnonsense\r\n\r\n")


def hung_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def failing(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 500, b"{}", "application/json")


def missing(handler: BaseHTTPRequestHandler) -> None:
    answer_with(handler, 404, b"{}", "application/json")


UNAVAILABLE = (503, "provider_unavailable")
FAULTY = (502, "provider_faulty")
FAULTS: dict[str, tuple[Answering, tuple[int, str]]] = {
    "slow": (slow, UNAVAILABLE),
    "a byte now and then": (dripping, UNAVAILABLE),
    "a header now and then": (dripping_headers, UNAVAILABLE),
    "endless": (endless, UNAVAILABLE),
    "compressed": (compressed, UNAVAILABLE),
    "redirecting": (redirect, UNAVAILABLE),
    "hung up": (hung_up, UNAVAILABLE),
    "broken": (broken, UNAVAILABLE),
    "failing": (failing, UNAVAILABLE),
    "a page": (page, FAULTY),
    "deep": (deep, FAULTY),
    "a list": (listed, FAULTY),
    "missing": (missing, FAULTY),
}
PLACES = ["/.well-known/openid-configuration", "/token", "/keys", "/userinfo"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("fault", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_provider_out_of_order_is_a_clear_problem_soon(
    school: Any,
    fake: FakeProvider,
    visitor: Visitor,
    place: str,
    fault: Answering,
    expected: tuple[int, str],
) -> None:
    fake.instead[place] = fault
    if (fault, place) == (listed, "/userinfo"):
        expected = (401, "identity_not_proved")
    before = snapshot("lib_north", "public")
    started = time.monotonic()
    answer = visitor.client.post(f"{SOCIAL}/school/", {})
    if place != PLACES[0]:
        begun = answer.json()
        returned = fake.person_signs_in(begun["authorization_url"])
        started = time.monotonic()
        answer = visitor.finish(returned, flow_token=begun["flow_token"])
    took = time.monotonic() - started
    assert (answer.status_code, answer.json()["code"]) == expected, answer.content
    assert took < SECONDS + 2
    assert "elsewhere" not in " ".join(fake.asked)
    assert differences(before, snapshot("lib_north", "public")) == {}
    if expected == UNAVAILABLE:
        assert int(answer["Retry-After"]) > 0
    # The provider's own words and addresses are nobody's business.
    assert "127.0.0.1" not in answer.content.decode()


def test_it_goes_on_when_the_provider_is_back(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    fake.instead["/.well-known/openid-configuration"] = failing
    assert visitor.client.post(f"{SOCIAL}/school/", {}).status_code == 503
    fake.instead.clear()
    assert visitor.sign_in(fake.person_signs_in).status_code == 200


def test_a_provider_that_is_down(north: Any, visitor: Visitor) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        set_up(north, issuer=f"http://127.0.0.1:{free.getsockname()[1]}")
        answer = visitor.client.post(f"{SOCIAL}/school/", {})
        assert (answer.status_code, answer.json()["code"]) == UNAVAILABLE


METADATA: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example"},
    "no issuer": {"issuer": None},
    "issuer with a slash": {"issuer": "SLASH"},
    "no keys": {"jwks_uri": None},
    "keys in a list": {"jwks_uri": ["https://a.example"]},
    "token endpoint inside": {"token_endpoint": "https://10.0.0.1/token"},
    "token endpoint of a file": {"token_endpoint": "file:///etc/passwd"},
    "keys on another port": {"jwks_uri": "https://login.example:22/"},
    "script": {"authorization_endpoint": "javascript:alert(1)"},
    "http": {"authorization_endpoint": "http://login.example/"},
    "fragment": {"authorization_endpoint": "https://login.example/#x"},
    "line end": {"authorization_endpoint": "https://login.example/\r\nSet-Cookie: a=b"},
    "userinfo inside": {"userinfo_endpoint": "https://169.254.169.254/latest/"},
}


@pytest.mark.parametrize("metadata", METADATA.values(), ids=METADATA)
def test_a_description_that_leads_elsewhere_is_not_used(
    school: Any, fake: FakeProvider, visitor: Visitor, metadata: dict[str, Any]
) -> None:
    if metadata.get("issuer") == "SLASH":
        metadata = {"issuer": f"{fake.issuer}/"}
    fake.metadata = metadata
    answer = visitor.client.post(f"{SOCIAL}/school/", {})
    assert (answer.status_code, answer.json()["code"]) == FAULTY
    fake.metadata = {}
    assert visitor.client.post(f"{SOCIAL}/school/", {}).status_code == 200


def test_a_client_that_the_provider_does_not_know_is_our_fault(
    school: Any, fake: FakeProvider, visitor: Visitor
) -> None:
    def unknown(handler: BaseHTTPRequestHandler) -> None:
        answer_with(handler, 401, json.dumps({"error": "invalid_client"}).encode(), "application/json")

    fake.instead["/token"] = unknown
    answer = visitor.sign_in(fake.person_signs_in)
    assert (answer.status_code, answer.json()["code"]) == FAULTY


def test_secrets_go_where_the_provider_takes_them(school: Any, fake: FakeProvider, visitor: Visitor) -> None:
    """The fake one checks them, both ways (client_secret_basic is the default)."""
    fake.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert visitor.sign_in(fake.person_signs_in).status_code == 200


def test_nothing_can_begin_without_a_place_to_keep_it(
    school: Any, fake: FakeProvider, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from saas.core.tenancy.cache import LibraryCache

    visitor.begin()
    monkeypatch.setattr(LibraryCache, "set", lambda *_args, **_more: None)
    answer = visitor.client.post(f"{SOCIAL}/school/", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
