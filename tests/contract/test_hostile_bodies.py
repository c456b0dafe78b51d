"""Hostile JSON and text on real addresses: refused or taken whole, never a failure of ours, and nothing half written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input import bad_input_folder, generated_folder
from tests.contract.bombs import BOMBS
from tests.database import sandbox
from tests.factories import unique
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
ADDRESSES = ["/api/v1/titles/", "/api/v1/loans/"]
# What a machine twice as slow as ours may take for one request of the size limit.
SECONDS = 3.0
# Every fifth string of the big list goes through the search and the two POSTs, all of them in a nightly run.
THOROUGH = os.environ.get("LIBRARYHUB_THOROUGH") == "1"


@pytest.fixture
def admin(scenes: Scenes) -> Any:
    client = scenes.client(scenes.north, "admin")
    client.raise_request_exception = False
    return client


def post(client: Any, path: str, body: bytes) -> Any:
    return client.generic("POST", path, body, content_type="application/json")


def parsing_files() -> list[Path]:
    return sorted((bad_input_folder() / "jsontestsuite" / "test_parsing").glob("*.json"))


@pytest.mark.deep
@pytest.mark.parametrize("address", ADDRESSES)
def test_the_json_test_suite(admin: Any, address: str) -> None:
    """JSONTestSuite: n_ must be refused, y_ and i_ are read or refused, and nothing is a 5xx."""
    files = parsing_files()
    assert len(files) == 318
    wrong = []
    made = 0
    before = snapshot("lib_north")["lib_north.audit_auditentry"][0]
    for file in files:
        answer = post(admin, address, file.read_bytes())
        refused = file.name.startswith("n_")
        if answer.status_code not in ({400} if refused else {201, 400, 413}):
            wrong.append((file.name, answer.status_code))
        # What is no JSON never gets as far as the fields; only the empty file is a body without fields.
        elif refused and answer.json()["code"] != "malformed_json" and file.stat().st_size:
            wrong.append((file.name, answer.json()["code"]))
        made += answer.status_code == 201
    assert wrong == []
    # Every write leaves an audit entry: as many as documents were taken ({"title": "..."} is one of theirs).
    assert snapshot("lib_north")["lib_north.audit_auditentry"][0] == before + made
    assert made <= 1


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("body", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_in_time_and_writes_nothing(admin: Any, address: str, body: bytes) -> None:
    before = snapshot("lib_north")
    started = time.perf_counter()
    answer = post(admin, address, body)
    assert time.perf_counter() - started < SECONDS
    assert answer.status_code in (400, 413), answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.deep
def test_the_generated_bombs(admin: Any) -> None:
    files = sorted(generated_folder().glob("json_*"))
    assert len(files) >= 5
    for file in files:
        for address in ADDRESSES:
            started = time.perf_counter()
            assert post(admin, address, file.read_bytes()).status_code in (400, 413), file.name
            assert time.perf_counter() - started < SECONDS, file.name


def naughty_strings() -> list[str]:
    found: list[str] = json.loads((bad_input_folder() / "blns" / "blns.json").read_text())
    assert len(found) > 400
    return found


OWN_STRINGS = [
    "'; DROP SCHEMA lib_north CASCADE; --",
    "' OR 1=1 --",
    "%' AND pg_sleep(5) --",
    "{{7*7}} {% debug %} {0.__class__} ${7*7} <%= 7*7 %>",
    "a" * 10_000,
    "(a+)+$" * 500,
    "\u202egnirts\u202c",
    "\ufeff",
    "\ufffe",
    "\U0010ffff",
    "e\u0301" * 300,
    "=HYPERLINK(1)",
    "\r\nBcc: all@north.example",
    "&" * 500,
    ":* | & ! ( )",
    "a:*b <-> c",
    '"' * 99,
    "\\" * 99,
    "-" * 99,
]


@pytest.fixture
def strings() -> Iterator[list[str]]:
    """Our own hostile strings, and the big list of naughty strings where it is at hand."""
    try:
        yield [*OWN_STRINGS, *naughty_strings()[:: 1 if THOROUGH else 5]]
    except pytest.skip.Exception:
        yield OWN_STRINGS


@pytest.mark.deep
def test_naughty_strings_in_the_search(scenes: Scenes, admin: Any, strings: list[str]) -> None:
    wrong = []
    for text in strings:
        started = time.perf_counter()
        answer = admin.get("/api/v1/search/", {"q": text})
        seconds = time.perf_counter() - started
        if answer.status_code not in (200, 400) or seconds > SECONDS:
            wrong.append((text[:60], answer.status_code, seconds))
    assert wrong == []


BODIES = {
    "titles": lambda text: {"title": text},
    "patrons": lambda text: {
        "name": text,
        "category": "adult",
        "home_branch": "main",
        "card_numbers": [unique("naughty-")],
    },
}


@pytest.mark.deep
@pytest.mark.parametrize("kind", list(BODIES))
def test_naughty_strings_in_bodies(scenes: Scenes, admin: Any, strings: list[str], kind: str) -> None:
    """What is taken is kept to the letter (trimmed); what is refused writes nothing."""
    wrong = []
    name = "title" if kind == "titles" else "name"
    before = snapshot("lib_north")
    for text in strings:
        with sandbox():
            answer = admin.post(f"/api/v1/{kind}/", BODIES[kind](text), format="json")
            if answer.status_code == 400:
                assert differences(before, snapshot("lib_north")) == {}
            elif answer.status_code != 201:
                wrong.append((text[:60], answer.status_code, answer.content[:200]))
            elif kind == "patrons" and answer.json()[name] != text.strip():
                wrong.append((text[:60], answer.json()[name]))
    assert wrong == []


def test_the_control_a_plain_string_is_taken(scenes: Scenes, admin: Any) -> None:
    for kind, body in BODIES.items():
        assert admin.post(f"/api/v1/{kind}/", body("Plain"), format="json").status_code == 201
    assert admin.get("/api/v1/search/", {"q": "Plain"}).json()["count"] == 1


@pytest.mark.parametrize("text", OWN_STRINGS, ids=lambda text: ascii(text)[:30])
def test_naughty_paths_are_not_found(admin: Any, text: str) -> None:
    from urllib.parse import quote

    for path in ("titles/{}/", "patrons/by-card/{}/", "copies/by-barcode/{}/"):
        assert admin.get("/api/v1/" + path.format(quote(text, safe=""))).status_code == 404


def test_many_parameters_and_long_values_are_refused(admin: Any) -> None:
    many = "&".join(f"p{n}=1" for n in range(10_000))
    assert admin.get(f"/api/v1/titles/?{many}").status_code == 400
    assert admin.get(f"/api/v1/search/?q={'a' * 5_000}").status_code == 400
    assert admin.get(f"/api/v1/titles/?cursor={'a' * 5_000}").status_code == 400
