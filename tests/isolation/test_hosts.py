"""Every way of writing a Host header: the same library under another spelling of its name, or nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import hosts
from saas.core.tenancy.hosts import HostCache
from tests.bad_input import generated_folder
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
REFUSED = {400, 404, 421}
OWN = [
    "",
    " ",
    "\t",
    ".",
    "..",
    ":",
    ":8000",
    "*",
    "*.localhost",
    "%.localhost",
    "_.localhost",
    "public",
    "public.localhost",
    "PUBLIC.localhost",
    "lib_south.localhost",
    "lib_north",
    "extensions.localhost",
    "pg_toast.localhost",
    "north.localhost, south.localhost",
    "south.localhost,north.localhost",
    "south.localhost north.localhost",
    "north.localhost\r\nHost: south.localhost",
    "north.localhost\x00.south.localhost",
    "south.localhost@north.localhost",
    "north.localhost:8000@south.localhost",
    "north.localhost:8000:9000",
    "north.localhost:-1",
    "north.localhost:\u0663",
    "north.localhost/south.localhost",
    "north.localhost?south",
    "north.localhost\\south.localhost",
    "http://south.localhost",
    "south.north.localhost",
    "north.south.localhost",
    "north.localhost.south.localhost",
    "north.localhost.example",
    "localhost.north",
    "n\u043erth.localhost",
    "north\u3002localhost",
    "\uff4eorth.localhost",
    "north.loc\u0430lhost",
    "xn--nrth-5cd.localhost",
    "north'--.localhost",
    'north"; DROP SCHEMA lib_south; --.localhost',
    "${jndi:ldap://south.localhost}",
    "0x7f.0.0.1",
    "2130706433",
    "127.1",
    "[::ffff:127.0.0.1]",
    "[north.localhost]",
    "a" * 5000,
    "north." * 60 + "localhost",
]


@pytest.fixture(scope="module")
def listed() -> list[str]:
    """The host-header values of the shared bad input, written for our library's name."""
    lines = (generated_folder() / "host_headers.txt").read_bytes().split(b"\n")
    return [line.decode("latin-1").replace("acme", "north").replace("ACME", "NORTH") for line in lines]


def ask(host: str, **more: str) -> Any:
    return Client(HTTP_HOST=host, raise_request_exception=False, **more).get("/api/v1/titles/")


def assert_north_or_nobody(answer: Any, host: str) -> None:
    text = answer.content.decode()
    assert "Secret of south" not in text, host
    if answer.status_code == 200:
        assert "Secret of north" in text, host
        return
    assert answer.status_code in REFUSED, host
    assert "Secret" not in text
    assert "lib_" not in text


def assert_not_public(host: str) -> None:
    answer = Client(HTTP_HOST=host, raise_request_exception=False).get("/api/v1/plans/")
    assert answer.status_code in REFUSED, host


def test_the_control_north_and_south_answer_with_their_own(scenes: Scenes) -> None:
    for library in ("north", "south"):
        answer = ask(f"{library}.localhost")
        assert answer.status_code == 200
        assert f"Secret of {library}" in answer.content.decode()
    assert Client(HTTP_HOST="localhost").get("/api/v1/plans/").status_code == 200


@pytest.mark.parametrize(
    "spelling", ["NORTH.LOCALHOST", "north.localhost.", "north.localhost:8000", "North.localhost:80"]
)
def test_another_spelling_of_its_name_is_the_same_library(scenes: Scenes, spelling: str) -> None:
    assert "Secret of north" in ask(spelling).content.decode()


@pytest.mark.parametrize("host", OWN, ids=lambda host: ascii(host)[:40])
def test_a_strange_host_is_nobody(scenes: Scenes, host: str) -> None:
    assert_north_or_nobody(ask(host), host)
    assert_not_public(host)


def test_the_listed_hosts_are_north_or_nobody(scenes: Scenes, listed: list[str]) -> None:
    assert len(listed) >= 20
    for host in listed:
        assert_north_or_nobody(ask(host), host)
        assert_not_public(host)


@pytest.mark.parametrize(
    "host", ["nowhere.localhost", "nowhere.example", "select.localhost", "pg_catalog.localhost"]
)
def test_an_unknown_host_costs_no_query_after_the_first_time(
    scenes: Scenes, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "_cache", HostCache(100, 60, 60))
    monkeypatch.setattr(hosts.watch, "has_changed", lambda: False)
    monkeypatch.setattr(hosts.watch, "is_blind", False)
    counts = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            answer = ask(host)
        assert (answer.status_code, answer.json()["code"]) == (404, "library_not_found")
        counts.append(len(queries))
    assert counts[1:] == [0, 0]
    assert counts[0] <= 2, "by its name, and by one that a library gave up"


@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_FORWARDED_HOST",
        "HTTP_FORWARDED",
        "HTTP_X_HOST",
        "HTTP_X_ORIGINAL_HOST",
        "HTTP_X_REWRITE_URL",
        "HTTP_X_TENANT",
        "HTTP_X_LIBRARY",
        "HTTP_X_SCHEMA",
        "SERVER_NAME",
    ],
)
def test_no_other_header_names_a_library(scenes: Scenes, header: str) -> None:
    for value in ("south.localhost", "host=south.localhost", "lib_south", "south"):
        answer = ask("north.localhost", **{header: value})
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "Secret of north" in text
        assert "south" not in text


def test_links_in_answers_name_the_host_that_was_asked(scenes: Scenes) -> None:
    answer = Client(HTTP_HOST="north.localhost", HTTP_X_FORWARDED_HOST="evil.example").get(
        "/api/v1/titles/?page_size=1"
    )
    assert answer.json()["next"].startswith("http://north.localhost/")


def test_a_scheme_and_host_in_the_path_choose_nothing(scenes: Scenes) -> None:
    """What a server makes of an absolute request line: the path, whatever host it names."""
    for path in ("//south.localhost/api/v1/titles/", "/http://south.localhost/api/v1/titles/"):
        answer = Client(HTTP_HOST="north.localhost", raise_request_exception=False).generic("GET", path)
        assert_north_or_nobody(answer, path)
