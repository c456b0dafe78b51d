"""A library that is suspended, restricted or closed: every address, with tokens from before, as the contract says."""

from __future__ import annotations

from typing import Any

import pytest

from saas.core.tenancy import in_public
from shared_apps.tenants.models import Library
from tests.permissions.examples import send
from tests.permissions.inventory import UNSAFE, Endpoint, of_site
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
OPEN_WHEN_SUSPENDED = ("/api/v1/auth/", "/health/")
OURS = [e for e in of_site("library") if not e.path.startswith(("/api/v1/auth/", "/sign-", "/password/"))]
REFUSALS = {"closed": (410, "library_closed"), "deleted": (410, "library_closed")}


def set_status(library: Any, status: str) -> None:
    with in_public():
        Library.objects.filter(pk=library.id).update(status=status)


def refusal(endpoint: Endpoint, status: str) -> tuple[int, str] | None:
    """Status and code that the contract gives, None where the request goes on as usual."""
    if status in REFUSALS:
        return REFUSALS[status]
    if status == "provisioning":
        return 404, "library_not_found"
    if endpoint.path.startswith(OPEN_WHEN_SUSPENDED):
        return None
    if status == "suspended":
        return 402, "library_suspended"
    return (402, "library_restricted") if endpoint.method in UNSAFE else None


@pytest.mark.parametrize("status", ["suspended", "restricted", "closed", "deleted", "provisioning"])
def test_every_address_answers_as_its_librarys_status_says(scenes: Scenes, status: str) -> None:
    scene = scenes.north
    requests = [(e, scenes.example("library", e.key, scene, "admin")) for e in OURS]
    client = scenes.client(scene, "admin", browser=True)
    set_status(scene.library, status)
    before = snapshot("lib_north")
    wrong = []
    for endpoint, example in requests:
        expected = refusal(endpoint, status)
        answer = send(client, endpoint.method, example)
        if expected is None:
            good = answer.status_code == example.status
        elif endpoint.path.startswith(("/api/", "/health/")):
            good = (answer.status_code, answer.json()["code"]) == expected
        else:
            good = answer.status_code == expected[0] and "Secret of north" not in answer.content.decode()
        if not good:
            wrong.append((endpoint.key, answer.status_code, expected))
    assert wrong == []
    assert differences(before, snapshot("lib_north")) == {}


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_the_neighbour_works_on(scenes: Scenes, status: str) -> None:
    set_status(scenes.north.library, status)
    south = scenes.client(scenes.south, "admin", browser=True)
    for endpoint in OURS:
        if endpoint.method == "GET":
            example = scenes.example("library", endpoint.key, scenes.south, "admin")
            assert send(south, "GET", example).status_code == example.status, endpoint.key


@pytest.mark.parametrize("status", ["trialing", "active", "past_due"])
def test_an_open_library_takes_writes(scenes: Scenes, status: str) -> None:
    set_status(scenes.north.library, status)
    answer = scenes.client(scenes.north, "admin").post("/api/v1/titles/", {"title": "Open"}, format="json")
    assert answer.status_code == 201
