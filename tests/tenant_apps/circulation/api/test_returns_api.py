"""POST /api/v1/returns/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tenant_apps.circulation.models import Loan
from tests.tenant_apps.circulation.factories import NOW, BranchFactory, CopyFactory, PatronFactory, everything
from tests.tenant_apps.circulation.members import librarian_at

URL = "/api/v1/returns/"


@pytest.fixture
def desk(in_north: Any, api: Callable[..., Any]) -> Any:
    CopyFactory(barcode="30001")
    PatronFactory(card="C1")
    return api(in_north, "librarian")


def lend(desk: Any, **more: Any) -> dict[str, Any]:
    body = {"copy_barcode": "30001", "card_number": "C1", "branch": "main", **more}
    loan: dict[str, Any] = desk.post("/api/v1/loans/", body).json()["loan"]
    return loan


def body(**more: Any) -> dict[str, Any]:
    return {"copy_barcode": "30001", "branch": "main", **more}


def test_a_return_answers_with_the_closed_loan_and_what_to_do(desk: Any) -> None:
    lent = lend(desk)

    answer = desk.post(URL, body())

    loan = Loan.objects.get()
    returned = answer.json()["loan"]
    assert answer.status_code == 201
    assert returned == {
        **lent,
        "returned_at": returned["returned_at"],
        "effective_return_at": returned["returned_at"],
        "return_branch": "main",
    }
    assert returned["returned_at"].endswith("Z")
    assert loan.returned_by is not None
    assert {name: value for name, value in answer.json().items() if name != "loan"} == {
        "action": "shelve",
        "hold": None,
        "transfer": None,
        "charges": [],
        "messages": [],
    }


def test_a_copy_of_another_branch_has_to_travel(desk: Any) -> None:
    lend(desk)
    BranchFactory(code="harbour")

    answer = desk.post(URL, body(branch="harbour")).json()

    assert (answer["action"], answer["transfer"]) == (
        "transfer",
        {"from_branch": "harbour", "to_branch": "main"},
    )
    assert [message["code"] for message in answer["messages"]] == ["transfer_needed"]
    assert all(message["detail"] for message in answer["messages"])


def test_a_copy_not_on_loan_was_used_in_the_house(desk: Any) -> None:
    answer = desk.post(URL, body())

    assert answer.status_code == 201
    assert (answer.json()["loan"], answer.json()["action"]) == (None, "in_house_use")
    assert [message["code"] for message in answer.json()["messages"]] == ["not_on_loan"]


def test_messages_follow_the_language_of_the_reader(desk: Any) -> None:
    english = desk.post(URL, body()).json()["messages"][0]
    italian = desk.post(URL, body(), HTTP_ACCEPT_LANGUAGE="it").json()["messages"][0]

    assert english["code"] == italian["code"] == "not_on_loan"
    assert english["detail"] == "This copy was not on loan."


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"copy_barcode": "nothing"}, 404, "unknown_barcode"),
        ({"copy_barcode": "WITHDRAWN"}, 409, "copy_withdrawn"),
        ({"branch": "nowhere"}, 400, "validation_failed"),
        ({"confirm": ["copy_damaged"]}, 400, "unknown_confirmation"),
        ({"effective_at": "2099-01-01T00:00:00Z"}, 400, "effective_return_not_possible"),
        ({"effective_at": "2001-01-01T00:00:00Z"}, 400, "effective_return_not_possible"),
        ({"effective_at": "2026-11-20T09:30:00"}, 400, "validation_failed"),
        ({"effective_at": "yesterday"}, 400, "validation_failed"),
        ({"card_number": "C1"}, 400, "unknown_field"),
    ],
)
def test_a_refusal_leaves_no_trace(desk: Any, more: dict[str, Any], status: int, code: str) -> None:
    CopyFactory(barcode="WITHDRAWN", withdrawn_at=NOW)
    lend(desk)
    before = everything()

    answer = desk.post(URL, body(**more))

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert everything() == before
    assert desk.post(URL, body()).json()["action"] == "shelve"


def test_a_key_sent_twice_returns_once(desk: Any) -> None:
    lend(desk)

    first = desk.post(URL, body(), HTTP_IDEMPOTENCY_KEY="scan-1")
    again = desk.post(URL, body(), HTTP_IDEMPOTENCY_KEY="scan-1")

    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["action"] == "shelve"


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("reader", 403), ("librarian", 201), ("admin", 201)]
)
def test_who_may_take_back(
    desk: Any, api: Callable[..., Any], in_north: Any, role: str | None, status: int
) -> None:
    lend(desk)
    client = api(in_north, role)
    before = everything()

    answer = client.post(URL, body())

    assert answer.status_code == status
    assert (everything() == before) is (status != 201)


def test_staff_of_one_branch_take_back_there_and_not_elsewhere(
    desk: Any, api: Callable[..., Any], in_north: Any
) -> None:
    lend(desk)
    BranchFactory(code="harbour")
    client = api(in_north, librarian_at("harbour"))
    before = everything()

    refused = client.post(URL, body(branch="main"))

    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert everything() == before
    assert client.post(URL, body(branch="harbour")).json()["action"] == "transfer"


def test_whose_loan_it_was_is_not_told_to_a_branch_that_may_not_see_it(
    desk: Any, api: Callable[..., Any], in_north: Any
) -> None:
    """Any branch takes a copy back; who had it is between the patron and the branch that lent it."""
    BranchFactory(code="harbour")
    patron = lend(desk)["patron"]

    told = api(in_north, librarian_at("harbour")).post(URL, body(branch="harbour")).json()["loan"]

    closed = Loan.objects.get(pk=told["id"])
    assert (told["patron"], told["card_number"], told["branch"]) == (None, "", "main")
    assert (str(closed.patron_id), closed.returned_at is not None) == (patron, True)
    # The branch that lent it is told.
    lend(desk)
    told = api(in_north, librarian_at("main")).post(URL, body()).json()["loan"]
    assert (told["patron"], told["card_number"]) == (patron, "C1")
