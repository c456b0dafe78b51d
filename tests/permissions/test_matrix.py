"""Every address, method and role: who is allowed gets through, who is not gets 401 or 403 and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.database import sandbox
from tests.permissions.examples import send
from tests.permissions.inventory import UNSAFE, Endpoint, endpoints
from tests.permissions.matrix import ANONYMOUS, MATRIX, ROLES
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

CELLS = [
    pytest.param(endpoint, role, id=f"{endpoint.site}-{endpoint.method}-{endpoint.path}-{role}")
    for endpoint in endpoints()
    for role in ROLES[endpoint.site]
]
ALLOWED = [
    cell for cell in CELLS if cell.values[1] in MATRIX[cell.values[0].site].get(cell.values[0].key, ())
]
REFUSED = [cell for cell in CELLS if cell not in ALLOWED]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("endpoint", "role"), ALLOWED)
def test_who_is_allowed_gets_through(scenes: Scenes, endpoint: Endpoint, role: str) -> None:
    scene = scenes.of(endpoint.site)
    example = scenes.example(endpoint.site, endpoint.key, scene, role)
    answer = send(scenes.client(scene, role, browser=endpoint.is_page), endpoint.method, example)
    assert answer.status_code == example.status, getattr(answer, "content", b"")[:500]


@pytest.mark.parametrize(("endpoint", "role"), REFUSED)
def test_who_is_not_allowed_is_refused_and_changes_nothing(
    scenes: Scenes, endpoint: Endpoint, role: str
) -> None:
    scene = scenes.of(endpoint.site)
    example = scenes.example(endpoint.site, endpoint.key, scene, role)
    client = scenes.client(scene, role, browser=endpoint.is_page)
    schemas = ("lib_north", "public") if endpoint.method in UNSAFE else ()
    before = snapshot(*schemas)
    answer = send(client, endpoint.method, example)
    if endpoint.is_page:
        assert_page_is_refused(answer, role)
    else:
        assert_refused(answer, role)
    assert differences(before, snapshot(*schemas)) == {}


def assert_refused(answer: Any, role: str) -> None:
    assert answer.status_code == (401 if role == ANONYMOUS else 403), answer.content[:500]
    assert answer["Content-Type"].startswith("application/problem+json")
    expected = {"not_authenticated"} if role == ANONYMOUS else {"permission_denied"}
    assert {answer.json()["code"]} == expected


def assert_page_is_refused(answer: Any, role: str) -> None:
    """A person who has not signed in is sent to do so; who has, is told that they may not."""
    if role == ANONYMOUS:
        assert (answer.status_code, answer["Location"].split("?")[0]) == (303, "/sign-in/")
    else:
        assert answer.status_code == 403
        assert answer["Content-Type"].startswith("text/html")


def test_an_allowed_write_does_change_something(scenes: Scenes) -> None:
    """The snapshot sees what it must: the same request from somebody who may shows up in it."""
    # The last two confirm what the same browser has begun, which these examples cannot do.
    begun = ("/account/security/app/confirm/", "/account/security/passkeys/add/")
    quiet = ("/api/v1/auth/", "/sign-", "/password/", *begun)
    writes = [
        e for e in endpoints() if e.site == "library" and e.method in UNSAFE and not e.path.startswith(quiet)
    ]
    assert len(writes) > 15
    unseen = []
    for endpoint in writes:
        role = sorted(MATRIX["library"][endpoint.key])[0]
        example = scenes.example("library", endpoint.key, scenes.north, role)
        client = scenes.client(scenes.north, role, browser=endpoint.is_page)
        with sandbox():
            before = snapshot("lib_north", "public")
            send(client, endpoint.method, example)
            if differences(before, snapshot("lib_north", "public")) == {}:
                unseen.append(endpoint.key)
    assert unseen == []
