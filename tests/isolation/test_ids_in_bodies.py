"""Ids, codes, barcodes and card numbers of another library inside bodies and filters: unknown, and nothing changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.answers import told
from tests.permissions.examples import Example, send
from tests.permissions.scene import Scene
from tests.permissions.scenes import Scenes
from tests.snapshots import differences, snapshot

pytestmark = pytest.mark.django_db
SCHEMAS = ("lib_north", "lib_south", "public")
Value = Callable[[Scene], Any]
Body = tuple[str, str, Value, int, str]
# Endpoint, field, south's value, status, code of the field or of the problem.
BODIES: list[Body] = [
    ("POST /api/v1/copies/", "title", lambda s: str(s.title.pk), 400, "does_not_exist"),
    ("POST /api/v1/copies/", "item_type", lambda s: s.item_type.code, 400, "does_not_exist"),
    ("POST /api/v1/copies/", "home_branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("PATCH /api/v1/copies/{pk}/", "item_type", lambda s: s.item_type.code, 400, "does_not_exist"),
    ("PATCH /api/v1/copies/{pk}/", "home_branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("PATCH /api/v1/copies/{pk}/", "current_branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/patrons/", "category", lambda s: s.category.code, 400, "does_not_exist"),
    ("POST /api/v1/patrons/", "home_branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("PATCH /api/v1/patrons/{pk}/", "category", lambda s: s.category.code, 400, "does_not_exist"),
    ("PATCH /api/v1/patrons/{pk}/", "home_branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/loans/", "copy_barcode", lambda s: s.copy.barcode, 404, "unknown_barcode"),
    ("POST /api/v1/loans/", "card_number", lambda s: s.card.number, 404, "unknown_card"),
    ("POST /api/v1/loans/", "branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/returns/", "copy_barcode", lambda s: s.loan.copy.barcode, 404, "unknown_barcode"),
    ("POST /api/v1/returns/", "branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/loan-rules/", "branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/loan-rules/", "category", lambda s: s.category.code, 400, "does_not_exist"),
    ("POST /api/v1/loan-rules/", "item_type", lambda s: s.item_type.code, 400, "does_not_exist"),
    ("POST /api/v1/role-assignments/", "user", lambda s: str(s.user.pk), 400, "does_not_exist"),
    ("POST /api/v1/role-assignments/", "branch", lambda s: s.branch.code, 400, "does_not_exist"),
    ("POST /api/v1/role-assignments/", "collection", lambda s: s.collection.code, 400, "does_not_exist"),
    ("POST /api/v1/role-assignments/", "role", lambda s: s.role.code, 400, "does_not_exist"),
    (
        "POST /api/v1/role-assignments/",
        "service_account",
        lambda s: str(s.service_account.pk),
        400,
        "does_not_exist",
    ),
]


# Fields that stand for one another: a body has one of the two.
INSTEAD_OF = {"collection": "branch", "service_account": "user"}


def with_value(example: Example, field: str, value: Any) -> Example:
    kept = {name: old for name, old in example.body.items() if name != INSTEAD_OF.get(field)}
    return dataclasses.replace(example, body={**kept, field: value})


def codes(answer: Any) -> set[str]:
    body = answer.json()
    return {body["code"], *(error["code"] for error in body.get("errors", ()))}


@pytest.mark.parametrize("body", BODIES, ids=[f"{key} {field}" for key, field, *_ in BODIES])
def test_a_value_of_another_library_is_unknown(apart: Scenes, body: Body) -> None:
    key, field, value, status, code = body
    method = key.split(maxsplit=1)[0]
    example = apart.example("library", key, apart.north, "admin")
    client = apart.client(apart.north, "admin")
    before = snapshot(*SCHEMAS)
    theirs = value(apart.south)
    answer = send(client, method, with_value(example, field, theirs))
    assert answer.status_code == status
    assert code in codes(answer)
    nobodys = "4611686018427387904" if theirs.isdigit() and "barcode" not in field else "nowhere-1"
    other = send(client, method, with_value(example, field, nobodys))
    assert told(answer, hide=theirs) == told(other, hide=nobodys)
    assert differences(before, snapshot(*SCHEMAS)) == {}


@pytest.mark.parametrize(
    ("key", "field"),
    [(key, field) for key, field, *_ in BODIES],
    ids=[f"{key} {field}" for key, field, *_ in BODIES],
)
def test_the_same_request_with_a_value_of_its_own_is_taken(apart: Scenes, key: str, field: str) -> None:
    example = apart.example("library", key, apart.south, "admin")
    mine = {(k, f): v(apart.south) for k, f, v, *_ in BODIES}[key, field]
    answer = send(
        apart.client(apart.south, "admin"), key.split(maxsplit=1)[0], with_value(example, field, mine)
    )
    assert answer.status_code < 300, answer.content


FILTERS: list[tuple[str, Value]] = [
    ("/api/v1/copies/?title=", lambda s: str(s.title.pk)),
    ("/api/v1/loans/?copy_barcode=", lambda s: s.loan.copy.barcode),
    ("/api/v1/loans/?card_number=", lambda s: s.card.number),
    ("/api/v1/loans/?branch=", lambda s: s.branch.code),
    ("/api/v1/patrons/?search=", lambda s: s.card.number),
    ("/api/v1/search/?q=", lambda s: f"secret {s.library.subdomain}"),
    ("/api/v1/search/?branch=", lambda s: s.branch.code),
    ("/api/v1/role-assignments/?user=", lambda s: str(s.assignment.user_id)),
    ("/api/v1/role-assignments/?branch=", lambda s: s.branch.code),
]


@pytest.mark.parametrize(("address", "value"), FILTERS, ids=[address for address, _ in FILTERS])
def test_a_filter_by_a_value_of_another_library_finds_nothing(
    apart: Scenes, address: str, value: Value
) -> None:
    wanted = value(apart.south)
    answer = apart.client(apart.north, "admin").get(f"{address}{wanted}")
    assert answer.status_code in (200, 400, 404)
    if answer.status_code == 200:
        assert answer.json()["results"] == []
        assert "south" not in answer.content.decode().replace(wanted, "")


@pytest.mark.parametrize(
    ("address", "value"),
    [pair for pair in FILTERS if "branch" not in pair[0]],
    ids=[address for address, _ in FILTERS if "branch" not in address],
)
def test_the_same_filter_finds_it_at_home(apart: Scenes, address: str, value: Value) -> None:
    answer = apart.client(apart.south, "admin").get(f"{address}{value(apart.south)}")
    assert answer.status_code == 200
    assert answer.json()["results"] != []
