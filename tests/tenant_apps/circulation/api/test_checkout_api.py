"""POST /api/v1/loans/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from freezegun import freeze_time

from shared_apps.audit.models import AuditEntry
from tenant_apps.circulation.models import Loan
from tests.tenant_apps.circulation.factories import (
    NOW,
    BranchFactory,
    CardFactory,
    CopyFactory,
    PatronFactory,
    everything,
    item_type,
)
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/loans/"


@pytest.fixture
def desk(in_north: Any, api: Callable[..., Any]) -> Any:
    return api(in_north, "librarian")


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with freeze_time(dt.datetime(2026, 11, 20, 9, 30), ignore=["psycopg"]):
        yield


def body(**more: Any) -> dict[str, Any]:
    return {"copy_barcode": "30001", "card_number": "C1", "branch": "main", **more}


def test_a_checkout_answers_with_the_loan(desk: Any) -> None:
    copy, patron = CopyFactory(barcode="30001"), PatronFactory(card="C1")

    answer = desk.post(URL, body())

    loan = Loan.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "loan": {
            "id": str(loan.pk),
            "copy_barcode": "30001",
            "title": {"id": str(copy.title_id), "title": copy.title.title},
            "patron": str(patron.pk),
            "card_number": "C1",
            "branch": "main",
            "checked_out_at": "2026-11-20T09:30:00Z",
            "due_at": "2026-12-18T22:59:59Z",
            "renewals": 0,
            "returned_at": None,
            "effective_return_at": None,
            "return_branch": None,
        },
        "messages": [],
    }
    assert answer["Location"] == f"/api/v1/loans/{loan.pk}/"
    assert answer["ETag"] == f'"{loan.pk}.1.json"'
    assert desk.get(answer["Location"]).json() == answer.json()["loan"]


def test_the_loan_is_recorded_for_the_person_at_the_desk(desk: Any) -> None:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")

    desk.post(URL, body())

    loan = Loan.objects.select_related("checked_out_by").get()
    assert loan.checked_out_by is not None
    assert loan.checked_out_by.email == "librarian@north.example"
    assert AuditEntry.objects.get(action="loan.created").actor_user_id == loan.checked_out_by_id


def stock() -> None:
    """One copy and one card for each refusal, and C1 with 30001 that would be lent."""
    CopyFactory(barcode="30001")
    CopyFactory(barcode="WITHDRAWN", withdrawn_at=NOW)
    CopyFactory(barcode="LOST", lost_at=NOW)
    CopyFactory(barcode="REFERENCE", not_for_loan=True)
    CopyFactory(barcode="GLOBE", item_type=item_type("globe"))
    CopyFactory(barcode="DAMAGED", damaged_at=NOW)
    patron = PatronFactory(card="C1")
    CardFactory(patron=patron, number="STOLEN", lost_at=NOW)
    PatronFactory(card="EXPIRED", expires_on=dt.date(2026, 11, 19))


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"copy_barcode": "nothing"}, 404, "unknown_barcode"),
        ({"card_number": "nobody"}, 404, "unknown_card"),
        ({"copy_barcode": "WITHDRAWN"}, 409, "copy_withdrawn"),
        ({"copy_barcode": "LOST"}, 409, "copy_lost"),
        ({"copy_barcode": "REFERENCE"}, 409, "copy_not_for_loan"),
        ({"copy_barcode": "GLOBE"}, 409, "no_rule"),
        ({"copy_barcode": "DAMAGED"}, 409, "confirmation_required"),
        ({"card_number": "STOLEN"}, 409, "patron_blocked"),
        ({"card_number": "EXPIRED"}, 409, "patron_expired"),
        ({"confirm": ["nonsense"]}, 400, "unknown_confirmation"),
        ({"branch": "nowhere"}, 400, "validation_failed"),
        ({"branch": 5}, 400, "validation_failed"),
        ({"copy_barcode": 30001}, 400, "validation_failed"),
        ({"copy_barcode": ""}, 400, "validation_failed"),
        ({"copy_barcode": "3\u00070001"}, 400, "validation_failed"),
        ({"copy_barcode": "3" * 65}, 400, "validation_failed"),
        ({"confirm": "copy_damaged"}, 400, "validation_failed"),
    ],
)
def test_a_refusal_is_a_problem_and_leaves_no_trace(
    desk: Any, more: dict[str, Any], status: int, code: str
) -> None:
    stock()
    before = everything()

    answer = desk.post(URL, body(**more))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert everything() == before
    assert desk.post(URL, body()).status_code == 201
    assert desk.post(URL, body()).json()["code"] == "copy_on_loan"


def test_an_unknown_branch_is_a_fault_of_that_field(desk: Any) -> None:
    answer = desk.post(URL, body(branch="nowhere"))

    assert [(problem["field"], problem["code"]) for problem in answer.json()["errors"]] == [
        ("branch", "does_not_exist")
    ]


def test_an_unknown_field_is_named_with_the_nearest_known_one(desk: Any) -> None:
    stock()
    before = everything()

    answer = desk.post(URL, body(card_nummber="C1"))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "card_nummber")
    assert "card_number" in answer.json()["errors"][0]["detail"]
    assert everything() == before


def test_what_has_to_be_confirmed_is_listed_and_then_accepted(desk: Any) -> None:
    stock()

    asked = desk.post(URL, body(copy_barcode="DAMAGED"))
    accepted = desk.post(URL, body(copy_barcode="DAMAGED", confirm=["copy_damaged"]))

    assert [point["code"] for point in asked.json()["confirmations"]] == ["copy_damaged"]
    assert accepted.status_code == 201


def test_the_limit_refuses_with_its_rule(desk: Any, api: Callable[..., Any], in_north: Any) -> None:
    stock()
    admin = api(in_north, "admin")
    rule = admin.post("/api/v1/loan-rules/", {"name": "loan_limit", "value": 0, "branch": "main"}).json()
    before = everything()

    answer = desk.post(URL, body())

    assert (answer.status_code, answer.json()["code"]) == (409, "limit_reached")
    assert answer.json()["rule"] == {"id": rule["id"], "name": "loan_limit"}
    assert everything() == before


def test_a_lost_cards_block_is_told_with_its_code(desk: Any) -> None:
    stock()

    answer = desk.post(URL, body(card_number="STOLEN")).json()

    assert [block["code"] for block in answer["blocks"]] == ["card_lost"]


def test_a_refusal_never_names_the_other_patron(desk: Any) -> None:
    stock()
    PatronFactory(card="OTHER", name="Grace Hopper")
    desk.post(URL, body(card_number="OTHER"))

    answer = desk.post(URL, body())

    assert answer.json()["code"] == "copy_on_loan"
    assert "Grace" not in answer.content.decode()
    assert "OTHER" not in answer.content.decode()


def test_a_key_sent_twice_lends_once_and_gives_the_same_answer(desk: Any) -> None:
    stock()

    first = desk.post(URL, body(), HTTP_IDEMPOTENCY_KEY="scan-1")
    again = desk.post(URL, body(), HTTP_IDEMPOTENCY_KEY="scan-1")
    other = desk.post(URL, body(card_number="EXPIRED"), HTTP_IDEMPOTENCY_KEY="scan-1")

    assert first.status_code == again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Loan.objects.count() == 1


def test_a_refusal_is_stored_with_its_key_too(desk: Any) -> None:
    stock()

    first = desk.post(URL, body(copy_barcode="GLOBE"), HTTP_IDEMPOTENCY_KEY="scan-2")
    again = desk.post(URL, body(copy_barcode="GLOBE"), HTTP_IDEMPOTENCY_KEY="scan-2")

    assert first.json()["code"] == again.json()["code"] == "no_rule"
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("reader", 403), ("librarian", 201), ("admin", 201)]
)
def test_who_may_lend(api: Callable[..., Any], in_north: Any, role: str | None, status: int) -> None:
    stock()
    client = api(in_north, role)
    before = everything()

    answer = client.post(URL, body())

    assert answer.status_code == status
    assert (everything() == before) is (status != 201)


def test_staff_of_one_branch_lend_there_and_not_elsewhere(api: Callable[..., Any], in_north: Any) -> None:
    stock()
    BranchFactory(code="harbour")
    client = api(in_north, librarian_at("harbour"))
    before = everything()

    refused = client.post(URL, body(branch="main"))

    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert everything() == before
    assert client.post(URL, body(branch="harbour")).status_code == 201
