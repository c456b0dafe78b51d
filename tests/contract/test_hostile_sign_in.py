"""Hostile bodies on every address that signs people in or is about themselves: refused in time, nothing written.

The addresses are read from the routes: a new one is here by itself.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.contract.bombs import BOMBS
from tests.database import sandbox
from tests.permissions.examples import Example, send
from tests.permissions.inventory import UNSAFE, Endpoint, endpoints
from tests.permissions.matrix import ANONYMOUS, MATRIX
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
SECONDS = 3.0
ABOUT_PEOPLE = ("/api/v1/auth/", "/api/v1/me/")
ENDPOINTS = [
    endpoint
    for endpoint in endpoints()
    if endpoint.method in UNSAFE and endpoint.path.startswith(ABOUT_PEOPLE)
]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.method != "DELETE"]
# Where an attempt that is refused is written down, and counted so that the next ones are fewer.
LOGS = {"audit_auditentry", "audit_auditpersonalvalues", "accounts_mailedcode"}
# No body at all is good where every field may be left out.
MAY_BE_EMPTY = {"POST /api/v1/auth/logout/", "PATCH /api/v1/me/"}
PROBLEM = "application/problem+json"
# In place of each field's good value.
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a number": 1,
    "a huge number": 10**30,
    "a list": [],
    "a list of it": ["x"],
    "an object": {"$gt": ""},
    "nothing": "",
    "spaces": "   ",
    "a NUL": "a\u0000b",
    "a line break": "a\r\nBcc: b@evil.example",
    "a direction mark": "\u202eabc",
    "long": "x" * 5_000,
    "a megabyte": "x" * 1_000_000,
    "astral": "\U0001f511" * 3_000,
    "SQL": "' OR 1=1 --",
    "a template": "{{7*7}}{% debug %}${x}",
    "another's token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
}


def schemas(endpoint: Endpoint) -> tuple[str, ...]:
    return ("lib_north", "public") if endpoint.site == "library" else ("public",)


def caller_of(endpoint: Endpoint) -> str:
    """Somebody who may: nobody in particular where everybody may."""
    roles = MATRIX[endpoint.site][endpoint.key]
    return ANONYMOUS if ANONYMOUS in roles else min(roles)


def client_of(scenes: Scenes, endpoint: Endpoint) -> tuple[Any, Example]:
    scene, caller = scenes.of(endpoint.site), caller_of(endpoint)
    client = scenes.client(scene, caller)
    client.raise_request_exception = False
    return client, scenes.example(endpoint.site, endpoint.key, scene, caller)


def raw(
    client: Any, endpoint: Endpoint, example: Example, body: bytes, kind: str = "application/json"
) -> Any:
    return client.generic(
        endpoint.method, example.path, body, content_type=kind, headers=dict(example.headers)
    )


def wrong_problem(answer: Any, started: float) -> str | None:
    """What is wrong with how something hostile was answered; None where it was refused as it should be."""
    if time.perf_counter() - started > SECONDS:
        return "too slow"
    if not 400 <= answer.status_code < 500:
        return f"answered {answer.status_code}"
    if not answer["Content-Type"].startswith(PROBLEM):
        return f"answered {answer['Content-Type']}"
    return None


def test_the_addresses_are_found() -> None:
    keys = {endpoint.key for endpoint in WITH_BODY}
    assert {
        "POST /api/v1/auth/login/",
        "POST /api/v1/auth/refresh/",
        "POST /api/v1/auth/password/reset/confirm/",
    } <= keys
    assert len(keys) >= 8


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_what_is_no_body_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    client, example = client_of(scenes, endpoint)
    takes_nothing = not example.body or endpoint.key in MAY_BE_EMPTY
    wrong = []
    before = snapshot(*schemas(endpoint))
    for name, body in BOMBS.items():
        if takes_nothing and not body.strip():
            continue
        started = time.perf_counter()
        complaint = wrong_problem(raw(client, endpoint, example, body), started)
        if complaint:
            wrong.append((name, complaint))
    assert wrong == []
    changed = differences(before, snapshot(*schemas(endpoint)))
    assert changed == {}


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_other_types_of_content_are_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    client, example = client_of(scenes, endpoint)
    good = json.dumps(example.body or {}).encode()
    before = snapshot(*schemas(endpoint))
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=utf-16",
        "application/jsonx",
    ):
        answer = raw(client, endpoint, example, good, kind)
        assert answer.status_code in (400, 415), (kind, answer.status_code)
        assert answer["Content-Type"].startswith(PROBLEM)
    assert differences(before, snapshot(*schemas(endpoint))) == {}


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_no_value_of_a_field_breaks_it(scenes: Scenes, endpoint: Endpoint) -> None:
    """Each field in turn holds something hostile: refused in time, or taken where the field may well hold it."""
    client, example = client_of(scenes, endpoint)
    bodies = [(field, name, value) for field in example.body or {} for name, value in VALUES.items()]
    wrong, refused = [], []
    for field, name, value in bodies:
        body = json.dumps({**example.body, field: value}).encode()
        started = time.perf_counter()
        with sandbox():
            answer = raw(client, endpoint, example, body)
        complaint = wrong_problem(answer, started)
        if complaint is None:
            refused.append(body)
        elif not (200 <= answer.status_code < 300 and may_hold(field, value)):
            wrong.append((field, name, complaint))
    assert wrong == []
    # Those that were refused once more, and all they have written.
    before = snapshot(*schemas(endpoint))
    for body in refused:
        raw(client, endpoint, example, body)
    changed = differences(before, snapshot(*schemas(endpoint)))
    assert {table for table in changed if table.split(".")[1] not in LOGS} == set()


def may_hold(field: str, value: Any) -> bool:
    """Whether a field is free text or may be left out, so that some of VALUES are good ones for it."""
    free = field in {"name", "new_password1", "new_password2", "password", "device", "label", "next"}
    return value in (None, "", True) or (free and isinstance(value, str)) or field == "language"


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=str)
def test_a_field_twice_or_unknown_is_refused(scenes: Scenes, endpoint: Endpoint) -> None:
    client, example = client_of(scenes, endpoint)
    good = example.body or {}
    before = snapshot(*schemas(endpoint))
    answers = [raw(client, endpoint, example, json.dumps({**good, "is_staff": True}).encode())]
    if good:
        pairs = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in good.items()]
        answers.append(raw(client, endpoint, example, ("{" + ",".join([*pairs, pairs[0]]) + "}").encode()))
    for answer in answers:
        assert answer.status_code == 400, answer.content
        assert answer.json()["code"] in {"validation_failed", "unknown_field", "malformed_json"}
    assert differences(before, snapshot(*schemas(endpoint))) == {}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_the_good_request_is_good(scenes: Scenes, endpoint: Endpoint) -> None:
    """The control: what the tests above spoil would have been taken."""
    client, example = client_of(scenes, endpoint)
    with sandbox():
        assert send(client, endpoint.method, example).status_code == example.status
