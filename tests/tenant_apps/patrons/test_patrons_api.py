"""Patrons over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from saas.core.tenancy import in_library
from tenant_apps.patrons.models import Patron
from tests.tenant_apps.circulation.factories import NOW, BranchFactory, CardFactory, PatronFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/patrons/"
ADA: dict[str, Any] = {
    "name": "Ada Lovelace",
    "category": "adult",
    "home_branch": "main",
    "card_numbers": ["C1"],
}


@pytest.fixture
def desk(in_north: Any, api: Callable[..., Any]) -> Any:
    return api(in_north, "librarian")


def test_a_patron_is_registered_and_shown(desk: Any) -> None:
    more = {
        "email": "ada@example.org",
        "birth_date": "1990-12-10",
        "expires_on": "2027-11-20",
        "language": "it",
    }

    answer = desk.post(URL, {**ADA, **more})

    patron = Patron.objects.get()
    created_at = answer.json()["created_at"]
    assert created_at.endswith("Z")
    expected = {"id": str(patron.pk), **ADA, **more, "lost_card_numbers": [], "created_at": created_at}
    assert (answer.status_code, answer.json()) == (201, expected)
    shown = desk.get(f"{URL}{patron.pk}/")
    assert (shown.json(), shown["ETag"]) == (expected, answer["ETag"])
    assert desk.get(f"{URL}{patron.pk}/", HTTP_IF_NONE_MATCH=shown["ETag"]).status_code == 304


def test_only_four_fields_are_needed_and_cards_may_come_later(desk: Any) -> None:
    answer = desk.post(URL, {**ADA, "card_numbers": []})

    assert answer.status_code == 201
    assert (answer.json()["email"], answer.json()["expires_on"]) == ("", None)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"card_numbers": ["TAKEN"]}, "card_number_taken", "card_numbers.0"),
        ({"card_numbers": ["X", "X"]}, "card_number_taken", "card_numbers.1"),
        ({"card_numbers": "X"}, "validation_failed", "card_numbers"),
        ({"card_numbers": [5]}, "validation_failed", "card_numbers.0"),
        ({"card_numbers": ["x" * 65]}, "validation_failed", "card_numbers.0"),
        ({"card_numbers": [str(number) for number in range(21)]}, "validation_failed", "card_numbers"),
        ({"name": "  "}, "validation_failed", "name"),
        ({"category": "giant"}, "validation_failed", "category"),
        ({"home_branch": "nowhere"}, "validation_failed", "home_branch"),
        ({"email": "not an address"}, "validation_failed", "email"),
        ({"birth_date": "2999-01-01"}, "validation_failed", "birth_date"),
        ({"birth_date": "1990-02-30"}, "validation_failed", "birth_date"),
        ({"expires_on": "soon"}, "validation_failed", "expires_on"),
        ({"language": "tlh"}, "validation_failed", "language"),
        ({"nmae": "Ada"}, "unknown_field", "nmae"),
        ({"user": "1"}, "unknown_field", "user"),
    ],
)
def test_a_wrong_patron_is_refused_without_a_trace(
    desk: Any, more: dict[str, Any], code: str, field: str
) -> None:
    PatronFactory(card="TAKEN")
    before = everything()

    answer = desk.post(URL, {**ADA, **more})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert everything() == before
    assert desk.post(URL, ADA).status_code == 201


@pytest.mark.parametrize("missing", ADA)
def test_a_missing_field_is_named(desk: Any, missing: str) -> None:
    answer = desk.post(URL, {name: value for name, value in ADA.items() if name != missing})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, missing)
    assert answer.json()["errors"][0]["code"] == "required"


def test_a_key_sent_twice_registers_once(desk: Any) -> None:
    first = desk.post(URL, ADA, HTTP_IDEMPOTENCY_KEY="form-1")
    again = desk.post(URL, ADA, HTTP_IDEMPOTENCY_KEY="form-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["ETag"] == first["ETag"]
    assert Patron.objects.count() == 1
    assert desk.post(URL, ADA).json()["code"] == "card_number_taken"


def test_a_change_needs_the_version_that_was_read(desk: Any) -> None:
    made = desk.post(URL, ADA)
    url, before = f"{URL}{made.json()['id']}/", everything()

    assert desk.patch(url, {"name": "X"}).status_code == 428
    assert desk.patch(url, {"name": "X"}, HTTP_IF_MATCH='"1.9.json"').status_code == 412
    assert desk.patch(url, {"id": "5"}, HTTP_IF_MATCH=made["ETag"]).status_code == 400
    assert everything() == before

    changed = desk.patch(url, {"name": "Ada King", "card_numbers": ["C2"]}, HTTP_IF_MATCH=made["ETag"])
    assert changed.status_code == 200
    assert {name: changed.json()[name] for name in ("name", "card_numbers", "lost_card_numbers")} == {
        "name": "Ada King",
        "card_numbers": ["C2"],
        "lost_card_numbers": ["C1"],
    }
    assert desk.patch(url, {"name": "X"}, HTTP_IF_MATCH=made["ETag"]).status_code == 412
    assert desk.get(url)["ETag"] == changed["ETag"]


def test_a_card_finds_its_patron_also_when_it_is_lost(desk: Any) -> None:
    made = desk.post(URL, {**ADA, "card_numbers": ["C1", "with space/and more"]}).json()
    desk.patch(f"{URL}{made['id']}/", {"card_numbers": ["C1"]}, HTTP_IF_MATCH="*")

    assert desk.get(f"{URL}by-card/C1/").json()["id"] == made["id"]
    for unknown in ("nothing", "x" * 300):
        answer = desk.get(f"{URL}by-card/{unknown}/")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_card")


def test_a_card_number_with_a_slash_is_found(desk: Any) -> None:
    made = desk.post(URL, {**ADA, "card_numbers": ["2026/17"]}).json()

    assert desk.get(f"{URL}by-card/2026%2F17/").json()["id"] == made["id"]


@pytest.fixture
def three(in_north: Any) -> dict[str, Patron]:
    """Ada at the harbour with two cards, Bob and Cleo at the main branch."""
    harbour = BranchFactory(code="harbour")
    ada = PatronFactory(name="Ada Lovelace", home_branch=harbour, card="1001")
    CardFactory(patron=ada, number="1002", lost_at=NOW)
    return {
        "ada": ada,
        "bob": PatronFactory(name="Bob Lovett", card="2001"),
        "cleo": PatronFactory(name="Cleo 100%", card="x1001"),
    }


def shown_of(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [patron["name"].split()[0] for patron in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["Ada", "Bob", "Cleo"]),
        ({"ordering": "-name"}, ["Cleo", "Bob", "Ada"]),
        ({"search": "LOVE"}, ["Ada", "Bob"]),
        ({"search": "  lovett "}, ["Bob"]),
        ({"search": "1001"}, ["Ada"]),
        ({"search": "100"}, ["Ada", "Cleo"]),
        ({"search": "1002"}, ["Ada"]),
        ({"search": "%"}, ["Cleo"]),
        ({"search": "_"}, []),
        ({"search": "nobody"}, []),
        ({"search": ""}, ["Ada", "Bob", "Cleo"]),
    ],
)
def test_search_by_name_or_card(
    three: dict[str, Patron], desk: Any, query: dict[str, str], expected: list[str]
) -> None:
    assert names(desk.get(URL, query)) == expected


@pytest.mark.parametrize(
    "query", [{"serach": "Ada"}, {"ordering": "email"}, {"page_size": "0"}, {"cursor": "x"}]
)
def test_a_wrong_query_is_refused(three: dict[str, Patron], desk: Any, query: dict[str, str]) -> None:
    assert desk.get(URL, query).status_code == 400


def test_pages_follow_each_other_and_cost_the_same_for_one_and_for_three(
    three: dict[str, Patron], desk: Any
) -> None:
    with CaptureQueriesContext(connection) as short:
        first = desk.get(URL, {"page_size": "1"})
    with CaptureQueriesContext(connection) as long:
        whole = desk.get(URL)
    second = desk.get(first.json()["next"])

    assert names(first) + names(second) == ["Ada", "Bob"]
    assert names(whole) == ["Ada", "Bob", "Cleo"]
    assert len(long) == len(short)


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("reader", 403), ("librarian", 201), ("admin", 201)]
)
def test_who_may(
    three: dict[str, Patron], api: Callable[..., Any], in_north: Any, role: str | None, status: int
) -> None:
    client = api(in_north, role)
    before = everything()
    reading = 200 if status == 201 else status
    paths = [URL, f"{URL}{three['bob'].pk}/", f"{URL}by-card/2001/", "/api/v1/patron-categories/"]

    assert {client.get(path).status_code for path in paths} == {reading}
    changed = client.patch(f"{URL}{three['bob'].pk}/", {"name": "Bob"}, HTTP_IF_MATCH="*")
    assert changed.status_code == reading
    assert client.post(URL, ADA).status_code == status
    assert client.post("/api/v1/patron-categories/", {"code": "s", "name": "S"}).status_code == status
    assert (everything() == before) is (status != 201)


class TestStaffOfOneBranch:
    """They see and change the patrons of their branch; everybody else does not exist for them."""

    @pytest.fixture
    def client(self, three: dict[str, Patron], api: Callable[..., Any], in_north: Any) -> Any:
        return api(in_north, librarian_at("harbour"))

    def test_they_see_their_own(self, client: Any, three: dict[str, Patron]) -> None:
        assert names(client.get(URL)) == ["Ada"]
        assert names(client.get(URL, {"search": "love"})) == ["Ada"]
        assert client.get(f"{URL}{three['ada'].pk}/").status_code == 200
        assert client.get(f"{URL}by-card/1001/").status_code == 200

    def test_others_look_like_nobody(self, client: Any, three: dict[str, Patron]) -> None:
        before = everything()
        answers = [
            client.get(f"{URL}{three['bob'].pk}/"),
            client.get(f"{URL}by-card/2001/"),
            client.patch(f"{URL}{three['bob'].pk}/", {"name": "X"}, HTTP_IF_MATCH="*"),
            client.get(f"{URL}999999/"),
        ]

        shown = [shown_of(answer) for answer in answers]
        assert {answer.status_code for answer in answers} == {404}
        assert [answer["code"] for answer in shown] == ["not_found", "unknown_card", "not_found", "not_found"]
        assert shown[1] == shown_of(client.get(f"{URL}by-card/999999/"))
        assert shown[0] == shown[2] == shown[3]
        assert everything() == before

    def test_they_register_and_move_patrons_within_their_branch(
        self, client: Any, three: dict[str, Patron]
    ) -> None:
        before = everything()

        assert client.post(URL, ADA).status_code == 403
        moved = client.patch(f"{URL}{three['ada'].pk}/", {"home_branch": "main"}, HTTP_IF_MATCH="*")
        assert moved.status_code == 403
        assert client.post("/api/v1/patron-categories/", {"code": "s", "name": "S"}).status_code == 403
        assert everything() == before

        assert client.post(URL, {**ADA, "home_branch": "harbour"}).status_code == 201
        assert client.patch(f"{URL}{three['ada'].pk}/", {"name": "Ada"}, HTTP_IF_MATCH="*").status_code == 200


def test_categories_are_listed_and_made(desk: Any) -> None:
    url = "/api/v1/patron-categories/"
    made = desk.post(url, {"code": "student", "name": "Student"})

    assert (made.status_code, made.json()["code"]) == (201, "student")
    assert [row["code"] for row in desk.get(url).json()["results"]] == ["adult", "child", "student"]
    before = everything()
    again = desk.post(url, {"code": "student", "name": "Pupil"})
    assert (again.status_code, again.json()["code"]) == (400, "patron_category_taken")
    assert everything() == before


def test_equal_cards_and_ids_of_two_libraries_name_different_people(
    api: Callable[..., Any], north: Any, south: Any
) -> None:
    for library, name in ((north, "Nora North"), (south, "Sam South")):
        with in_library(library):
            PatronFactory(pk=4711, name=name, card="C1")
    with in_library(south):
        before = everything()
    client = api(north, "librarian")

    assert client.get(f"{URL}4711/").json()["name"] == "Nora North"
    assert client.get(f"{URL}by-card/C1/").json()["name"] == "Nora North"
    assert names(client.get(URL, {"search": "S"})) == []
    assert client.patch(f"{URL}4711/", {"name": "Nora"}, HTTP_IF_MATCH="*").status_code == 200
    with in_library(south):
        assert everything() == before
    assert api(south, "librarian").get(f"{URL}4711/").json()["name"] == "Sam South"
