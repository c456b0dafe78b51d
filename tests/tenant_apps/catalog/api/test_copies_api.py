"""`/api/v1/copies/` and `/api/v1/item-types/`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.catalog.models import Copy, ItemType, Title
from tests.tenant_apps.catalog.records import PRICE, add_copy, add_title, lend
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/copies/"


@pytest.fixture
def emma(north: Any) -> Title:
    with in_library(north):
        return add_title("Emma")


def body(title: Title, /, **changes: Any) -> dict[str, Any]:
    plain = {"title": str(title.pk), "barcode": "B1", "item_type": "book", "home_branch": "main"}
    return {**plain, **changes}


def stored(library: Any) -> list[dict[str, Any]]:
    with in_library(library):
        return list(Copy.objects.order_by("pk").values())


def test_adding_a_copy(north: Any, emma: Title, api: Any) -> None:
    price = {"amount": "12.50", "currency": "EUR"}
    response = api(north, "librarian").post(URL, body(emma, call_number="823", replacement_price=price))
    assert response.status_code == 201
    answer = response.json()
    assert (answer["barcode"], answer["status"], answer["title"]) == ("B1", "available", str(emma.pk))
    assert (answer["home_branch"], answer["current_branch"], answer["item_type"]) == ("main", "main", "book")
    assert (answer["replacement_price"], answer["call_number"]) == (price, "823")
    assert response["ETag"]


def test_a_taken_barcode(north: Any, emma: Title, api: Any) -> None:
    client = api(north, "librarian")
    assert client.post(URL, body(emma)).status_code == 201
    before = stored(north)
    response = client.post(URL, body(emma))
    assert (response.status_code, response.json()["code"]) == (400, "barcode_taken")
    assert response.json()["errors"][0]["field"] == "barcode"
    assert stored(north) == before


def test_the_same_barcode_in_another_library(north: Any, south: Any, emma: Title, api: Any) -> None:
    with in_library(south):
        other = add_title("Emma")
    assert api(north, "librarian").post(URL, body(emma)).status_code == 201
    assert api(south, "librarian").post(URL, body(other)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": "999999"}, "title"),
        ({"barcode": ""}, "barcode"),
        ({"barcode": "x\ty"}, "barcode"),
        ({"item_type": "scroll"}, "item_type"),
        ({"home_branch": "moon"}, "home_branch"),
        ({"replacement_price": {"amount": "-1.00", "currency": "EUR"}}, "replacement_price"),
        ({"replacement_price": {"amount": "1.00", "currency": "USD"}}, "replacement_price"),
        ({"status": "available"}, "status"),
    ],
)
def test_a_wrong_body_adds_nothing(
    north: Any, emma: Title, api: Any, changes: dict[str, Any], field: str
) -> None:
    response = api(north, "librarian").post(URL, body(emma, **changes))
    assert response.status_code == 400
    assert field in [error["field"] for error in response.json()["errors"]]
    assert stored(north) == []


def test_a_title_of_another_library_cannot_get_a_copy(north: Any, south: Any, emma: Title, api: Any) -> None:
    response = api(south, "librarian").post(URL, body(emma))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "title")
    assert stored(north) == stored(south) == []


def test_staff_see_barcodes_and_readers_do_not(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        copy = add_copy(emma, "SECRET-1", replacement_price=PRICE)
    for address in (URL, f"{URL}{copy.pk}/"):
        for user, sees in ((None, False), ("reader", False), ("librarian", True), ("admin", True)):
            response = api(north, user).get(address)
            assert response.status_code == 200
            assert ("SECRET-1" in response.content.decode()) is sees, (address, user)
            assert ("12.50" in response.content.decode()) is sees, (address, user)


def test_a_reader_never_gets_the_answer_made_for_staff(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        copy = add_copy(emma, "B1")
    staff = api(north, "librarian").get(f"{URL}{copy.pk}/")["ETag"]
    assert api(north, "reader").get(f"{URL}{copy.pk}/", HTTP_IF_NONE_MATCH=staff).status_code == 200


def test_finding_a_copy_by_its_barcode_is_for_the_desk(north: Any, south: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        add_copy(emma, "B 1/ä")
    plain = f"{URL}by-barcode/B1/"
    with in_library(north):
        add_copy(emma, "B1")
    assert api(north, "librarian").get(plain).json()["barcode"] == "B1"
    assert api(north).get(plain).status_code == 401
    assert api(north, "reader").get(plain).status_code == 403
    assert api(south, "librarian").get(plain).status_code == 404
    for unknown in ("nope", "x" * 300, "a%00b", ".."):
        answer = api(north, "librarian").get(f"{URL}by-barcode/{unknown}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_barcode")
    with_slash = api(north, "librarian").get(f"{URL}by-barcode/B 1%2Fä/")
    assert with_slash.json()["barcode"] == "B 1/ä"


def test_the_status_follows_loans_and_flags(north: Any, emma: Title, api: Any) -> None:
    client = api(north, "librarian")
    with in_library(north):
        copy = add_copy(emma, "B1")
    address = f"{URL}{copy.pk}/"
    tag = client.get(address)["ETag"]
    with in_library(north):
        lend(copy)
    response = client.get(address, HTTP_IF_NONE_MATCH=tag)
    assert (response.status_code, response.json()["status"]) == (200, "on_loan")
    lost = client.patch(address, {"lost": True}, HTTP_IF_MATCH=response["ETag"])
    assert (lost.status_code, lost.json()["status"]) == (200, "lost")
    assert lost.json()["lost_at"] is not None


def test_changing_a_copy_needs_its_version(north: Any, emma: Title, api: Any) -> None:
    client = api(north, "librarian")
    with in_library(north):
        copy = add_copy(emma, "B1")
    address, before = f"{URL}{copy.pk}/", stored(north)
    assert client.patch(address, {"call_number": "1"}).status_code == 428
    assert client.patch(address, {"call_number": "1"}, HTTP_IF_MATCH=f'"{copy.pk}.2.json"').status_code == 412
    assert stored(north) == before
    tag = client.get(address)["ETag"]
    response = client.patch(address, {"call_number": "1", "barcode": "B9"}, HTTP_IF_MATCH=tag)
    assert (response.status_code, response.json()["barcode"]) == (200, "B9")
    assert client.patch(address, {"call_number": "2"}, HTTP_IF_MATCH=tag).status_code == 412


def test_who_manages_one_branch_adds_and_changes_copies_there_alone(
    north: Any, emma: Title, api: Any
) -> None:
    with in_library(north):
        there = add_copy(emma, "H1", branch="harbour")
        here = add_copy(emma, "M1")
        member = librarian_at("harbour")
    client = api(north, member)
    assert client.post(URL, body(emma, barcode="H2", home_branch="harbour")).status_code == 201
    before = stored(north)
    assert client.post(URL, body(emma, barcode="M2")).status_code == 403
    for copy, changes, status in (
        (here, {"call_number": "x"}, 403),
        (there, {"home_branch": "main"}, 403),
    ):
        response = client.patch(f"{URL}{copy.pk}/", changes, HTTP_IF_MATCH="*")
        assert response.status_code == status
    assert stored(north) == before
    assert client.patch(f"{URL}{there.pk}/", {"call_number": "x"}, HTTP_IF_MATCH="*").status_code == 200


def test_readers_add_and_change_nothing(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        copy = add_copy(emma, "B1")
    before = stored(north)
    for user, status in ((None, 401), ("reader", 403)):
        assert api(north, user).post(URL, body(emma, barcode="B2")).status_code == status
        assert api(north, user).patch(f"{URL}{copy.pk}/", {"lost": True}).status_code == status
    assert stored(north) == before


def test_copies_of_one_title(north: Any, emma: Title, api: Any) -> None:
    with in_library(north):
        add_copy(emma, "B1")
        add_copy(add_title("Other"), "B2")
    client = api(north, "librarian")
    assert [row["barcode"] for row in client.get(URL, {"title": str(emma.pk)}).json()["results"]] == ["B1"]
    assert client.get(URL, {"title": "x"}).status_code == 400


def test_the_list_costs_the_same_for_one_and_for_three(north: Any, emma: Title, api: Any) -> None:
    client, counts = api(north, "librarian"), []
    for barcodes in (["1"], ["2", "3"]):
        with in_library(north):
            for barcode in barcodes:
                lend(add_copy(emma, barcode, branch=f"b{barcode}"))
        with CaptureQueriesContext(connection) as context:
            assert client.get(URL).status_code == 200
        counts.append(len(context))
    assert counts[0] == counts[1]


def test_item_types(north: Any, api: Any) -> None:
    address = "/api/v1/item-types/"
    assert [row["code"] for row in api(north).get(address).json()["results"]] == ["book", "dvd"]
    client = api(north, "librarian")
    assert client.post(address, {"code": "map", "name": "Map"}).status_code == 201
    taken = client.post(address, {"code": "map", "name": "Map"})
    assert (taken.status_code, taken.json()["code"]) == (400, "item_type_code_taken")
    assert client.post(address, {"code": "a b", "name": "x"}).status_code == 400
    assert api(north, "reader").post(address, {"code": "cd", "name": "CD"}).status_code == 403
    with in_library(north):
        assert ItemType.objects.count() == 3
