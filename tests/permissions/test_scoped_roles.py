"""Every address of a library, asked by people who hold their role for another branch or another collection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database import sandbox
from tests.permissions.examples import send
from tests.permissions.inventory import UNSAFE, Endpoint, of_site
from tests.permissions.matrix import LIBRARIAN, LIBRARY
from tests.permissions.scenes import Scenes
from tests.permissions.scoped import CALLERS, EMPTY, HIDDEN, INVALID, OK, REFUSED, SCOPED, make_callers
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
SCHEMAS = ("lib_north", "public")
STATUS = {HIDDEN: 404, INVALID: 400, REFUSED: 403}
DECIDED = [endpoint for endpoint in of_site("library") if endpoint.key in SCOPED]


@pytest.fixture(scope="module")
def elsewhere(scenes: Scenes) -> Scenes:
    """The scenes, and in north people who hold roles for a branch and a collection of their own."""
    make_callers(scenes.north)
    return scenes


def test_every_address_has_a_decision_and_every_decision_an_address() -> None:
    assert sorted(SCOPED) == sorted(endpoint.key for endpoint in of_site("library"))
    assert all(len(decision) == len(CALLERS) for decision in SCOPED.values())


@pytest.mark.parametrize("endpoint", DECIDED, ids=lambda endpoint: endpoint.key)
def test_a_role_held_elsewhere(elsewhere: Scenes, endpoint: Endpoint) -> None:
    for caller, outcome in zip(CALLERS, SCOPED[endpoint.key], strict=True):
        with sandbox():
            check(elsewhere, endpoint, caller, outcome)


def check(scenes: Scenes, endpoint: Endpoint, caller: str, outcome: str) -> None:
    example = scenes.example("library", endpoint.key, scenes.north, caller)
    client = scenes.client(scenes.north, caller, browser=endpoint.is_page)
    keeps_still = endpoint.method in UNSAFE and outcome not in (OK, EMPTY)
    before = snapshot(*SCHEMAS) if keeps_still else {}
    answer = send(client, endpoint.method, example)
    said = (caller, answer.status_code, getattr(answer, "content", b"")[:300])
    assert answer.status_code == STATUS.get(outcome, example.status), said
    if outcome == EMPTY:
        assert answer.json()["results"] == [], said
        assert rows_of_the_whole_library(scenes, endpoint) > 0
    if keeps_still:
        assert differences(before, snapshot(*SCHEMAS)) == {}, said


def rows_of_the_whole_library(scenes: Scenes, endpoint: Endpoint) -> int:
    """What the same request finds for somebody who holds the permission everywhere: without it EMPTY proves nothing."""
    role = LIBRARIAN if LIBRARIAN in LIBRARY[endpoint.key] else "admin"
    example = scenes.example("library", endpoint.key, scenes.north, role)
    answer: Any = send(scenes.client(scenes.north, role), endpoint.method, example)
    return len(answer.json()["results"])
