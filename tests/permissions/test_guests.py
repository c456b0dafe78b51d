"""A library that closes its catalogue to guests: the same addresses ask for a sign-in, and members notice nothing."""

from __future__ import annotations

import pytest

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_library
from tenant_apps.preferences import services as preferences
from tests.factories import NOW
from tests.permissions.examples import send
from tests.permissions.inventory import Endpoint, of_site
from tests.permissions.matrix import ANONYMOUS, CATALOGUE, LIBRARY, READER
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
SHOWN_TO_GUESTS = [
    endpoint
    for endpoint in of_site("library")
    if endpoint.is_api_view and endpoint.declared == "catalog.view" and LIBRARY[endpoint.key] == CATALOGUE
]


@pytest.fixture
def closed_to_guests(scenes: Scenes) -> Scenes:
    """North shows its catalogue to members alone."""
    with in_library(scenes.north.library):
        preferences.change(values={"guests_may_search": False}, by=SYSTEM, now=NOW)
    return scenes


def test_there_are_addresses_for_guests() -> None:
    assert len(SHOWN_TO_GUESTS) >= 8


@pytest.mark.parametrize("endpoint", SHOWN_TO_GUESTS, ids=lambda endpoint: endpoint.key)
def test_guests_are_asked_to_sign_in_and_readers_are_not(
    closed_to_guests: Scenes, endpoint: Endpoint
) -> None:
    scenes = closed_to_guests
    example = scenes.example("library", endpoint.key, scenes.north)
    refused = send(scenes.client(scenes.north, ANONYMOUS), "GET", example)
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert "Secret" not in refused.content.decode()
    assert send(scenes.client(scenes.north, READER), "GET", example).status_code == 200


@pytest.mark.parametrize("path", ["/", "/?q=secret"])
def test_the_page_shows_nothing_either(closed_to_guests: Scenes, path: str) -> None:
    page = closed_to_guests.client(closed_to_guests.north, ANONYMOUS).get(
        path, headers={"accept": "text/html"}
    )
    assert "Secret of north" not in page.content.decode()


def test_the_page_of_a_title_shows_nothing_either(closed_to_guests: Scenes) -> None:
    scene = closed_to_guests.north
    page = closed_to_guests.client(scene, ANONYMOUS).get(f"/titles/{scene.title.pk}/")
    assert "Secret of north" not in page.content.decode()


def test_the_neighbour_is_as_open_as_before(closed_to_guests: Scenes) -> None:
    guest = closed_to_guests.client(closed_to_guests.south, ANONYMOUS)
    assert "Secret of south" in guest.get("/api/v1/titles/").content.decode()
