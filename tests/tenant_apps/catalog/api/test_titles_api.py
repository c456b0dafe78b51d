"""`/api/v1/titles/`: lists, one title, its record in other forms, adding and changing."""

from __future__ import annotations

from typing import Any

import pymarc
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.catalog.models import Title
from tests.tenant_apps.catalog.records import add_copy, add_title, lend, marc

URL = "/api/v1/titles/"
BODY = {
    "title": "Emma",
    "subtitle": "a novel",
    "contributors": ["Austen, Jane", {"name": "Ross, Josephine", "role": "editor"}],
    "subjects": ["Matchmaking"],
    "isbns": ["0-14-143958-0"],
    "year": 1815,
    "language": "eng",
    "publisher": "Murray",
    "place": "London",
}


@pytest.fixture
def emma(north: Any) -> Title:
    with in_library(north):
        return add_title("Emma", by=["Austen, Jane"], subjects=["Matchmaking"], isbns=["9780141439587"])


def stored(library: Any) -> list[dict[str, Any]]:
    with in_library(library):
        return list(Title.objects.order_by("pk").values("pk", "title", "version", "marc_hash"))


def test_adding_a_title(north: Any, api: Any) -> None:
    response = api(north, "librarian").post(URL, BODY)
    assert response.status_code == 201
    body = response.json()
    assert body["isbns"] == ["9780141439587"]
    assert [(part["name"], part["role"]) for part in body["contributors"]] == [
        ("Austen, Jane", "author"),
        ("Ross, Josephine", "editor"),
    ]
    assert [subject["heading"] for subject in body["subjects"]] == ["Matchmaking"]
    assert (body["copies_total"], body["material_type"], body["year"]) == (0, "book", 1815)
    assert response["ETag"]
    assert api(north).get(f"{URL}{body['id']}/").json() == body
    assert api(north).get("/api/v1/search/", {"q": "austen emma"}).json()["count"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "a\tb"}, "title"),
        ({"isbns": ["9780141439580"]}, "isbns.0"),
        ({"year": 999}, "year"),
        ({"year": "1815"}, "year"),
        ({"language": "english"}, "language"),
        ({"material_type": "spaceship"}, "material_type"),
        ({"contributors": [{"role": "author"}]}, "contributors.0.name"),
        ({"contributors": [{"name": "A", "role": "king"}]}, "contributors.0.role"),
        ({"contributors": [5]}, "contributors.0.name"),
        ({"contributors": "Austen, Jane"}, "contributors"),
        ({"tittle": "x"}, "tittle"),
    ],
)
def test_a_wrong_body_is_refused_and_adds_nothing(
    north: Any, api: Any, changes: dict[str, Any], field: str
) -> None:
    response = api(north, "librarian").post(URL, {**BODY, **changes})
    assert response.status_code == 400
    assert field in [error["field"] for error in response.json()["errors"]]
    assert stored(north) == []


def test_a_title_of_signs_alone_is_one_all_the_same(north: Any, api: Any) -> None:
    assert api(north, "librarian").post(URL, {"title": "?!"}).status_code == 201
    assert [hit["title"] for hit in api(north).get(URL).json()["results"]] == ["?!"]


def test_what_no_record_can_hold_is_refused_and_adds_nothing(north: Any, api: Any) -> None:
    names = [f"{'é' * 290}{at}" for at in range(50)]
    subjects = [f"{'字' * 290}{at}" for at in range(50)]
    response = api(north, "librarian").post(
        URL, {"title": "x", "contributors": names, "subjects": subjects, "summary": "字" * 5_000}
    )
    assert (response.status_code, response.json()["code"]) == (400, "record_not_writable")
    assert stored(north) == []


def test_the_list_has_the_newest_first_and_pages(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        add_title("Persuasion")
    body = api(north).get(URL, {"page_size": 1}).json()
    assert [hit["title"] for hit in body["results"]] == ["Persuasion"]
    assert [hit["title"] for hit in api(north).get(body["next"]).json()["results"]] == ["Emma"]
    by_title = api(north).get(URL, {"ordering": "title"}).json()
    assert [hit["title"] for hit in by_title["results"]] == ["Emma", "Persuasion"]


def test_a_list_costs_the_same_for_one_and_for_three(north: Any, api: Any) -> None:
    def fill(name: str) -> None:
        with in_library(north):
            title = add_title(name, by=[f"A, {name}", f"B, {name}"], subjects=[name])
            lend(add_copy(title, f"{name}-1"))

    client = api(north, "reader")
    counts = []
    for names in (["one"], ["two", "three"]):
        for name in names:
            fill(name)
        with CaptureQueriesContext(connection) as context:
            assert client.get(URL).status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_one_title_costs_the_same_whatever_hangs_on_it(north: Any, api: Any) -> None:
    with in_library(north):
        small = add_title("Small", by=["A, B"], subjects=["One"])
        large = add_title(
            "Large", by=[f"A, {at}" for at in range(5)], subjects=[f"S {at}" for at in range(5)]
        )
        add_copy(small, "s")
        for at in range(3):
            lend(add_copy(large, f"l{at}", branch=f"b{at}"))
    counts = []
    for title in (small, large):
        with CaptureQueriesContext(connection) as context:
            assert api(north, "reader").get(f"{URL}{title.pk}/").status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_a_conditional_get_sees_a_loan_as_a_change(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        copy = add_copy(emma, "B1")
    client, address = api(north), f"{URL}{emma.pk}/"
    tag = client.get(address)["ETag"]
    assert not tag.startswith("W/")
    assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 304
    with in_library(north):
        lend(copy)
    response = client.get(address, HTTP_IF_NONE_MATCH=tag)
    assert (response.status_code, response.json()["copies_available"]) == (200, 0)


def test_changing_a_title_needs_its_version(north: Any, emma: Title, api: Any) -> None:
    client, address = api(north, "librarian"), f"{URL}{emma.pk}/"
    before = stored(north)
    assert client.patch(address, {"title": "X"}).status_code == 428
    assert client.patch(address, {"title": "X"}, HTTP_IF_MATCH='"1.99.json"').status_code == 412
    assert stored(north) == before
    tag = client.get(address)["ETag"]
    response = client.patch(address, {"title": "Persuasion", "year": 1817}, HTTP_IF_MATCH=tag)
    assert response.status_code == 200
    body = response.json()
    assert (body["title"], body["year"], body["contributors"][0]["name"]) == (
        "Persuasion",
        1817,
        "Austen, Jane",
    )
    assert response["ETag"] != tag
    assert client.patch(address, {"title": "Y"}, HTTP_IF_MATCH=tag).status_code == 412
    assert api(north).get("/api/v1/search/", {"q": "persuasion"}).json()["count"] == 1
    assert api(north).get("/api/v1/search/", {"q": "emma"}).json()["count"] == 0


def test_readers_change_nothing(north: Any, emma: Title, api: Any) -> None:
    before = stored(north)
    for user, status in ((None, 401), ("reader", 403)):
        client = api(north, user)
        assert client.post(URL, BODY).status_code == status
        response = client.patch(f"{URL}{emma.pk}/", {"title": "X"}, HTTP_IF_MATCH='"1.1.json"')
        assert response.status_code == status
    assert stored(north) == before


def test_a_title_of_another_library_does_not_exist(north: Any, south: Any, emma: Title, api: Any) -> None:
    before = stored(north)
    client = api(south, "librarian")
    address = f"{URL}{emma.pk}/"
    assert client.get(address).status_code == 404
    assert client.get(f"{address}marc/").status_code == 404
    assert client.get(f"{address}availability/").status_code == 404
    assert client.patch(address, {"title": "X"}, HTTP_IF_MATCH="*").status_code == 404
    assert stored(north) == before


@pytest.mark.parametrize("name", ["0", "abc", "-1", "99999999999999999999", "1e3", "١"])  # noqa: RUF001
def test_what_is_no_id_is_not_found(north: Any, api: Any, name: str) -> None:
    response = api(north).get(f"{URL}{name}/")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_record_as_marcxml_and_as_iso_2709(north: Any, emma: Title, api: Any) -> None:
    address = f"{URL}{emma.pk}/marc/"
    xml = api(north).get(address)
    assert xml["Content-Type"].startswith("application/marcxml+xml")
    assert b'<subfield code="a">Emma</subfield>' in xml.content
    iso = api(north).get(address, HTTP_ACCEPT="application/marc")
    assert iso["Content-Type"].startswith("application/marc")
    record = pymarc.Record(data=iso.content, to_unicode=True, force_utf8=True)
    assert record["245"]["a"] == "Emma"
    assert iso["Content-Disposition"] == f'attachment; filename="title-{emma.pk}.marc"'
    assert xml["ETag"] != iso["ETag"]
    assert api(north).get(address, HTTP_IF_NONE_MATCH=xml["ETag"]).status_code == 304
    refused = api(north).get(address, HTTP_ACCEPT="application/json")
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")


def test_the_form_of_a_title_is_chosen_by_accept(north: Any, emma: Title, api: Any) -> None:
    address = f"{URL}{emma.pk}/"
    for wanted in ("", "*/*", "application/*", "application/json", "text/html;q=0.9, application/json;q=0.1"):
        answer = api(north).get(address, HTTP_ACCEPT=wanted)
        assert (answer["Content-Type"], answer.json()["title"]) == ("application/json", "Emma")
    for wanted in ("application/marc", "application/marcxml+xml"):
        answer = api(north).get(address, HTTP_ACCEPT=f"{wanted}, application/json;q=0.5")
        record = api(north).get(f"{address}marc/", HTTP_ACCEPT=wanted)
        assert (answer["Content-Type"], answer.content) == (wanted, record.content)
        assert answer["Content-Disposition"].startswith("attachment;")
        assert "Accept," in answer["Vary"]
        again = api(north).get(address, HTTP_ACCEPT=wanted, HTTP_IF_NONE_MATCH=answer["ETag"])
        assert again.status_code == 304
    refused = api(north).get(address, HTTP_ACCEPT="text/csv")
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert api(north).get(f"{URL}999999/", HTTP_ACCEPT="application/marc").json()["code"] == "not_found"


def test_a_change_that_could_not_be_answered_is_not_made(north: Any, emma: Title, api: Any) -> None:
    desk = api(north, "librarian")
    answer = desk.patch(
        f"{URL}{emma.pk}/", {"subtitle": "A novel"}, HTTP_IF_MATCH="*", HTTP_ACCEPT="application/marc"
    )
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    with in_library(north):
        emma.refresh_from_db()
        assert emma.version == 1


def test_an_imported_record_comes_out_as_it_came_in(
    north: Any, api: Any, settings: Any, tmp_path: Any
) -> None:
    from tests.tenant_apps.catalog.records import run

    settings.MEDIA_ROOT = tmp_path
    data = marc("Emma", control_number="n1", by=["Austen, Jane"], summary="Short")
    with in_library(north):
        run(data)
        title = Title.objects.get()
    assert api(north).get(f"{URL}{title.pk}/marc/", HTTP_ACCEPT="application/marc").content == data


def test_availability_by_branch_in_numbers_and_words(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        add_copy(emma, "B1")
        lend(add_copy(emma, "B2"))
        lend(add_copy(emma, "B3", branch="harbour"))
    body = api(north).get(f"{URL}{emma.pk}/availability/").json()
    assert (body["copies_total"], body["copies_available"]) == (3, 1)
    harbour, main = body["branches"]
    assert (main["branch"], main["copies"], main["copies_available"], main["on_loan"]) == ("main", 2, 1, 1)
    assert main["text"] == "1 of 2 copies on the shelf"
    assert harbour["first_due_at"] == "2026-12-04T09:30:00Z"
    assert harbour["text"] == "On loan, due December 4"
    assert "B1" not in str(body)
