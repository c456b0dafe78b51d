"""`/api/v1/search/`: the shape of api.md, its limits, and who may use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from saas.core.tenancy import in_library
from tenant_apps.catalog.rules.queries import parse_query
from tests.tenant_apps.catalog.records import NOW, add_copy, add_title, close_to_guests, lend

URL = "/api/v1/search/"


@pytest.fixture
def emma(north: Any) -> Any:
    with in_library(north):
        title = add_title(
            "Emma",
            subtitle="a novel",
            by=["Austen, Jane"],
            isbns=["9780141439587"],
            year=1815,
            language="eng",
        )
        add_copy(title, "B1")
        lend(add_copy(title, "B2"))
        add_copy(title, "B3", lost_at=NOW)
    return title


def test_the_shape_of_an_answer(north: Any, emma: Any, api: Any) -> None:
    body = api(north, "reader").get(URL, {"q": "emma"}).json()
    assert body["count"] == 1
    assert body["count_is_exact"] is True
    assert (body["next"], body["previous"], body["suggestions"]) == (None, None, [])
    assert body["results"] == [
        {
            "id": str(emma.pk),
            "title": "Emma",
            "subtitle": "a novel",
            "contributors": ["Austen, Jane"],
            "year": 1815,
            "language": "eng",
            "isbns": ["9780141439587"],
            "material_type": "book",
            "available": True,
            "copies_available": 1,
            "copies_total": 2,
        }
    ]
    assert body["facets"]["language"] == {"exact": True, "values": [{"value": "eng", "count": 1}]}
    assert body["facets"]["branch"] == {
        "exact": True,
        "values": [{"value": "main", "count": 1, "label": "Main"}],
    }


def test_pages_by_cursor(north: Any, api: Any) -> None:
    with in_library(north):
        for at in range(5):
            add_title(f"Word {at}")
    client = api(north)
    seen, address = [], f"{URL}?q=word&page_size=2"
    for _ in range(3):
        body = client.get(address).json()
        seen += [hit["title"] for hit in body["results"]]
        last, address = address, body["next"]
    assert address is None
    assert len(seen) == len(set(seen)) == 5
    assert body["previous"] is not None
    first = client.get(client.get(client.get(last).json()["previous"]).json()["previous"])
    assert [hit["title"] for hit in first.json()["results"]] == seen[:2]


def test_a_cursor_belongs_to_its_search_and_library(north: Any, south: Any, api: Any) -> None:
    for library in (north, south):
        with in_library(library):
            for at in range(3):
                add_title(f"Word {at}")
    address = api(north).get(URL, {"q": "word", "page_size": 1}).json()["next"]
    cursor = address.split("cursor=")[1].split("&")[0]
    for client, query in ((api(north), "other"), (api(south), "word")):
        response = client.get(f"{URL}?q={query}&cursor={cursor}")
        assert (response.status_code, response.json()["code"]) == (400, "invalid_cursor")
    assert api(north).get(f"{URL}?q=word&cursor={cursor}").status_code == 200


def test_filters_and_their_mistakes(north: Any, emma: Any, api: Any) -> None:
    client = api(north)
    assert client.get(URL, {"language": "eng,fre", "available": "true"}).json()["count"] == 1
    assert client.get(URL, {"language": "fre"}).json()["count"] == 0
    for wrong in (
        {"year": "18xx"},
        {"available": "yes"},
        {"subject": "abc"},
        {"contributor": "99999999999999999999"},
        {"language": "e" * 65},
        {"branch": ",".join(["main"] * 21)},
        {"page_size": "0"},
        {"page_size": "101"},
    ):
        response = client.get(URL, wrong)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter"), wrong


def test_an_unknown_parameter_names_the_nearest(north: Any, api: Any) -> None:
    response = api(north).get(URL, {"lang": "eng"})
    assert response.status_code == 400
    assert "language" in response.json()["detail"]


def test_what_is_too_long_is_refused_and_500_characters_are_not(north: Any, api: Any) -> None:
    assert api(north).get(URL, {"q": "a" * 500}).status_code == 200
    response = api(north).get(URL, {"q": "a" * 501})
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "max_length"


def test_a_misspelt_word_is_answered_with_a_suggestion(north: Any, emma: Any, api: Any) -> None:
    body = api(north).get(URL, {"q": "austin"}).json()
    assert (body["count"], body["suggestions"]) == (0, ["austen"])


def test_naughty_strings_never_break_it(north: Any, emma: Any, api: Any, test_data: Path) -> None:
    client = api(north)
    strings = json.loads((test_data / "badinput" / "blns" / "blns.json").read_text())
    queries = [parse_query(text).tsquery for text in strings]
    with in_library(north), connection.cursor() as cursor:  # every one is notation that the database reads
        cursor.execute("SELECT count(q::tsquery) FROM unnest(%s::text[]) AS q", [queries])
        assert cursor.fetchone() == (len(strings),)
    statuses = {client.get(URL, {"q": text}).status_code for text in strings[::20]}
    assert statuses <= {200, 400}
    assert 200 in statuses


def test_guests_see_the_catalogue_if_the_library_lets_them(north: Any, emma: Any, api: Any) -> None:
    assert api(north).get(URL).status_code == 200
    close_to_guests(north)
    for path in (
        URL,
        "/api/v1/titles/",
        f"/api/v1/titles/{emma.pk}/",
        f"/api/v1/titles/{emma.pk}/availability/",
    ):
        response = api(north).get(path)
        assert response.status_code == 401, path
        assert "Emma" not in response.content.decode()
        assert api(north, "reader").get(path).status_code == 200, path
