"""What every answer of the API carries, whoever asks and whatever comes of it: headers, request id, language."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, endpoints
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
API = [
    endpoint for endpoint in endpoints() if endpoint.path.startswith(("/api/v1/", "/billing/", "/health/"))
]
# The same for everybody, and asked for by every visitor.
KEPT_BY_CACHES = {"/api/v1/plans/"}
REQUEST_ID = re.compile(r"[0-9a-f]{32}")


def assert_safe(answer: Any, where: str) -> None:
    """Headers of ASVS 3.2.1, 3.4 and 14.3.2."""
    assert answer["X-Content-Type-Options"] == "nosniff", where
    policy = answer["Content-Security-Policy"]
    for directive in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert directive in policy or "default-src 'none'" in policy, (where, policy)
    assert "unsafe-inline" not in policy
    if not any(path in where for path in KEPT_BY_CACHES):
        assert "no-store" in answer["Cache-Control"], where
    assert answer["Referrer-Policy"] == "same-origin", where
    assert answer["X-Frame-Options"] == "DENY", where
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin", where
    assert "Access-Control-Allow-Origin" not in answer.headers, where
    assert "Server" not in answer.headers
    assert "X-Powered-By" not in answer.headers
    if answer.content:
        assert answer["Content-Type"].startswith(
            ("application/json", "application/problem+json", "application/marc")
        )


@pytest.mark.parametrize("endpoint", API, ids=str)
def test_every_answer_of_the_api_carries_the_headers(scenes: Scenes, endpoint: Endpoint) -> None:
    scene = scenes.of(endpoint.site)
    for caller in ("anonymous", "admin" if endpoint.site == "library" else "staff"):
        example = scenes.example(endpoint.site, endpoint.key, scene, caller)
        answer = send(scenes.client(scene, caller), endpoint.method, example)
        assert_safe(answer, f"{endpoint} as {caller}")
        assert REQUEST_ID.fullmatch(answer["X-Request-ID"])


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("nowhere.localhost", "/api/v1/titles/", 404),
        ("north.localhost", "/api/v1/nothing/", 404),
        ("north.localhost", "/api/v1/patrons/", 401),
        ("localhost", "/api/v1/platform/libraries/", 401),
        ("", "/api/v1/titles/", 404),
    ],
)
def test_so_does_every_refusal(scenes: Scenes, host: str, path: str, status: int) -> None:
    answer = Client(HTTP_HOST=host).get(path)
    assert answer.status_code == status
    assert_safe(answer, f"{host}{path}")


def test_the_body_of_an_answer_names_its_content_type(scenes: Scenes) -> None:
    client = scenes.client(scenes.north, "admin")
    assert client.get("/api/v1/titles/")["Content-Type"] == "application/json"
    assert client.get("/api/v1/patrons/0/")["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("sent", ["7", "abcdefgh", "order-4711_b:2.x", "A" * 128])
def test_a_good_request_id_is_kept(scenes: Scenes, sent: str) -> None:
    client = scenes.client(scenes.north, "anonymous")
    for path in ("/api/v1/titles/", "/api/v1/patrons/", "/api/v1/nothing/"):
        assert client.get(path, headers={"x-request-id": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize(
    "sent", ["", "short!", "A" * 129, "a b c d e f g h", "evil\r\nSet-Cookie: a=b", "ключ-ключ", "x;y=zzzzz"]
)
def test_a_bad_one_is_replaced(scenes: Scenes, sent: str) -> None:
    answer = scenes.client(scenes.north, "anonymous").get("/api/v1/titles/", headers={"x-request-id": sent})
    assert REQUEST_ID.fullmatch(answer["X-Request-ID"])
    assert "Set-Cookie" not in answer.headers


def test_the_language_changes_texts_and_never_codes(scenes: Scenes) -> None:
    client = scenes.client(scenes.north, "admin")
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/api/v1/titles/4611686018427387904/", None),
        ("POST", "/api/v1/titles/", {"titel": "x"}),
        ("POST", "/api/v1/loans/", {"copy_barcode": "x", "card_number": "y", "branch": "main"}),
        ("GET", "/api/v1/titles/?page_size=0", None),
    ]
    for method, path, body in requests:
        english, italian = (
            client.generic(
                method,
                path,
                json.dumps(body) if body else "",
                content_type="application/json",
                headers={"accept-language": language},
            )
            for language in ("en", "it")
        )
        assert english["Content-Language"] == "en"
        assert italian["Content-Language"] == "it"
        one, other = english.json(), italian.json()
        assert one["title"] != other["title"], f"{path} has no Italian title"
        for name in ("type", "code", "status"):
            assert one[name] == other[name]
        assert [(e["field"], e["code"]) for e in one.get("errors", ())] == [
            (e["field"], e["code"]) for e in other.get("errors", ())
        ]
        assert "Accept-Language" in italian["Vary"]


@pytest.mark.parametrize("language", ["xx", "it;q=0.1, en", "*", "it" * 500, "../../etc/passwd", "it\x00"])
def test_any_other_language_header_gets_english(scenes: Scenes, language: str) -> None:
    answer = scenes.client(scenes.north, "anonymous").get(
        "/api/v1/titles/", headers={"accept-language": language}
    )
    assert answer.status_code == 200
    assert answer["Content-Language"] == "en"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "https://north.localhost.evil.example", "http://south.localhost"],
)
def test_no_other_origin_may_read_answers(scenes: Scenes, origin: str) -> None:
    client = scenes.client(scenes.north, "admin")
    for answer in (
        client.get("/api/v1/titles/", headers={"origin": origin}),
        client.options(
            "/api/v1/titles/", headers={"origin": origin, "access-control-request-method": "POST"}
        ),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
