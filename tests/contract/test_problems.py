"""Every refusal is a problem document of one shape, on real addresses, whatever the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The document, after checking its shape."""
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    body: dict[str, Any] = json.loads(answer.content)
    assert body.keys() >= MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"/api/problems/{code}/"
    assert body["request_id"] == answer["X-Request-ID"]
    assert all(isinstance(body[name], str) and body[name] for name in MEMBERS - {"status"})
    for error in body.get("errors", ()):
        assert error.keys() == {"field", "code", "detail"}
        assert all(isinstance(value, str) and value for value in error.values())
    text = answer.content.decode().lower()
    for leak in ("traceback", "select ", "lib_north", "lib_south", "psycopg", "<html"):
        assert leak not in text
    return body


@pytest.fixture
def admin(scenes: Scenes) -> Any:
    return scenes.client(scenes.north, "admin")


@pytest.fixture
def anonymous(scenes: Scenes) -> Any:
    return scenes.client(scenes.north, "anonymous")


def test_malformed_json_says_where(admin: Any) -> None:
    answer = admin.generic(
        "POST", "/api/v1/titles/", '{"title": "x",\n  "year": }', content_type="application/json"
    )
    body = assert_problem(answer, 400, "malformed_json")
    assert (body["line"], body["column"]) == (2, 11)


def test_an_unknown_field_is_named_with_the_nearest_known_one(admin: Any) -> None:
    body = assert_problem(admin.post("/api/v1/titles/", {"titel": "x"}), 400, "unknown_field")
    by_field = {error["field"]: error for error in body["errors"]}
    assert by_field["titel"]["code"] == "unknown_field"
    assert '"title"' in by_field["titel"]["detail"]


def test_an_unknown_parameter_is_named_with_the_nearest_known_one(admin: Any) -> None:
    body = assert_problem(admin.get("/api/v1/titles/?page_siz=5"), 400, "unknown_parameter")
    assert body["errors"][0]["field"] == "page_siz"
    assert '"page_size"' in body["errors"][0]["detail"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_parameter_on_a_write_is_unknown(admin: Any, scenes: Scenes, method: str) -> None:
    path = "/api/v1/titles/" if method == "POST" else f"/api/v1/loan-rules/{scenes.north.rule.pk}/"
    answer = admin.generic(method, f"{path}?dry_run=1", "{}", content_type="application/json")
    assert_problem(answer, 400, "unknown_parameter")


def test_a_parameter_twice_or_with_a_control_character_is_refused(admin: Any) -> None:
    assert_problem(admin.get("/api/v1/titles/?page_size=5&page_size=6"), 400, "invalid_parameter")
    assert_problem(admin.get("/api/v1/search/?q=a%00b"), 400, "invalid_parameter")
    assert_problem(admin.get("/api/v1/search/?page_size=101"), 400, "invalid_parameter")


def test_without_a_token(anonymous: Any) -> None:
    answer = anonymous.get("/api/v1/patrons/")
    assert_problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer ")


def test_with_a_token_that_is_none(anonymous: Any) -> None:
    answer = anonymous.get("/api/v1/patrons/", headers={"authorization": "Bearer nonsense"})
    assert_problem(answer, 401, "token_invalid")


def test_without_the_permission(scenes: Scenes) -> None:
    reader = scenes.client(scenes.north, "reader")
    assert_problem(reader.get("/api/v1/patrons/"), 403, "permission_denied")


@pytest.mark.parametrize(
    "path", ["/api/v1/titles/4611686018427387904/", "/api/v1/titles/x/", "/api/v1/nothing/", "/api/"]
)
def test_what_is_not_there(admin: Any, path: str) -> None:
    assert_problem(admin.get(path), 404, "not_found")


def test_a_path_without_its_slash_is_not_redirected(admin: Any) -> None:
    assert_problem(admin.post("/api/v1/titles", {"title": "x"}), 404, "not_found")


def test_a_method_that_is_not_taken(admin: Any) -> None:
    answer = admin.put("/api/v1/titles/", {})
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS"])
def test_a_method_of_another_trade(admin: Any, method: str) -> None:
    answer = admin.generic(method, "/api/v1/titles/")
    assert_problem(answer, 405, "method_not_allowed")
    assert method not in answer["Allow"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png"])
def test_a_form_that_is_not_on_offer(admin: Any, accept: str) -> None:
    assert_problem(admin.get("/api/v1/titles/", headers={"accept": accept}), 406, "not_acceptable")


def test_a_body_that_is_too_large(admin: Any, settings: Any) -> None:
    large = json.dumps({"title": "x" * settings.API_MAX_BODY_BYTES})
    body = assert_problem(
        admin.generic("POST", "/api/v1/titles/", large, content_type="application/json"),
        413,
        "body_too_large",
    )
    assert body["max_bytes"] == settings.API_MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/x-www-form-urlencoded", ""),
        ("multipart/form-data; boundary=x", ""),
        ("text/plain", ""),
        ("application/xml", ""),
        ("application/json; charset=utf-16", ""),
        ("application/json", "gzip"),
    ],
)
def test_a_content_type_that_is_not_read(admin: Any, content_type: str, encoding: str) -> None:
    headers = {"content-encoding": encoding} if encoding else {}
    answer = admin.generic("POST", "/api/v1/titles/", "title=x", content_type=content_type, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["titles", "copies", "patrons", "loan-rules"])
def test_a_change_without_and_with_an_old_version(admin: Any, scenes: Scenes, kind: str) -> None:
    row = {
        "titles": scenes.north.title,
        "copies": scenes.north.copy,
        "patrons": scenes.north.patron,
        "loan-rules": scenes.north.rule,
    }[kind]
    change = {
        "titles": {"year": 1901},
        "copies": {"call_number": "1"},
        "patrons": {"name": "New"},
        "loan-rules": {"value": 9},
    }[kind]
    path = f"/api/v1/{kind}/{row.pk}/"
    assert_problem(admin.patch(path, change), 428, "precondition_required")
    tag = admin.get(path)["ETag"]
    first = admin.patch(path, change, headers={"if-match": tag})
    assert first.status_code == 200
    assert first["ETag"] != tag
    assert_problem(admin.patch(path, change, headers={"if-match": tag}), 412, "precondition_failed")
    assert admin.get(path)["ETag"] == first["ETag"]
    assert_problem(
        admin.patch(path, change, headers={"if-match": "W/" + first["ETag"]}), 412, "precondition_failed"
    )


def test_too_many_requests(scenes: Scenes, settings: Any) -> None:
    settings.RATE_LIMITS_ENABLED = True
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "burst": (3, 60), "anonymous": (3, 60)}
    client = scenes.client(scenes.north, "reader")
    answers = [client.get("/api/v1/branches/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[3], 429, "rate_limited")
    assert 1 <= int(answers[3]["Retry-After"]) <= 60
    assert "q=3" in answers[0]["RateLimit-Policy"]
    assert "r=0" in answers[3]["RateLimit"]


def test_a_bug_of_ours_says_nothing_of_itself(scenes: Scenes, monkeypatch: pytest.MonkeyPatch) -> None:
    from tenant_apps.catalog.api.titles import TitleViewSet

    def fail(view: Any, request: Any) -> None:
        raise RuntimeError("SELECT password FROM lib_north.accounts_user")

    monkeypatch.setattr(TitleViewSet, "list", fail)
    client = scenes.client(scenes.north, "admin")
    client.raise_request_exception = False
    assert_problem(client.get("/api/v1/titles/"), 500, "internal_error")


def test_the_page_of_each_type_exists(anonymous: Any) -> None:
    for code in ("not_found", "copy_on_loan", "precondition_required"):
        page = anonymous.get(f"/api/problems/{code}/")
        assert page.status_code == 200
        assert code in page.content.decode()
    assert anonymous.get("/api/problems/no-such-code/").status_code == 404
