"""A page cursor is good for the list, the filter and the library that made it, and for nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.permissions.inventory import of_site
from tests.permissions.scenes import Scenes

pytestmark = pytest.mark.django_db
LISTS = [
    endpoint
    for endpoint in of_site("library")
    if endpoint.method == "GET"
    and endpoint.path.startswith("/api/v1/")
    and not endpoint.parameters
    and "page_size" in getattr(getattr(endpoint.view, "pagination_class", None), "query_parameters", ())
    and endpoint.action == "list"
]
# Addresses whose pages are not made by the view sets' paginator.
OTHERS = ["/api/v1/search/?q=secret&"]
ADDRESSES = [f"{endpoint.path}?" for endpoint in LISTS] + OTHERS


def cursor_of(client: Any, address: str) -> str:
    page = client.get(f"{address}page_size=1").json()
    assert page["next"], "the scene needs a second row for this list"
    return parse_qs(urlsplit(page["next"]).query)["cursor"][0]


def test_the_lists_are_found() -> None:
    names: set[str] = {endpoint.path for endpoint in LISTS}
    assert {"/api/v1/titles/", "/api/v1/patrons/", "/api/v1/loans/"} <= names
    assert len(names) >= 9


def ask(client: Any, address: str, cursor: str) -> Any:
    return client.get(f"{address}{urlencode({'page_size': 1, 'cursor': cursor})}")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_cursor_of_another_library_is_refused(scenes: Scenes, address: str) -> None:
    north, south = (scenes.client(scene, "admin") for scene in (scenes.north, scenes.south))
    cursor = cursor_of(south, address)
    answer = ask(north, address, cursor)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")
    own = ask(south, address, cursor)
    assert own.status_code == 200
    assert own.json()["results"] != []


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_cursor_of_another_list_is_refused(scenes: Scenes, address: str) -> None:
    south = scenes.client(scenes.south, "admin")
    cursor = cursor_of(south, address)
    other = next(candidate for candidate in ADDRESSES if candidate != address)
    assert ask(south, other, cursor).json()["code"] == "invalid_cursor"
