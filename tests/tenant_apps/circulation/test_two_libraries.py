"""S63 at the desk: equal barcodes, cards, ids and keys in two libraries never mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from saas.core.tenancy import in_library
from tenant_apps.circulation.models import Loan
from tests.tenant_apps.circulation.factories import CopyFactory, PatronFactory, TitleFactory, everything

LEND = {"copy_barcode": "30001", "card_number": "C1", "branch": "main"}


@pytest.fixture
def both(north: Any, south: Any) -> None:
    """The same barcode and card in each library, of different books and people; the south's book lies in the sun."""
    for library, title, name in ((north, "Snow", "Nora"), (south, "Sand", "Sam")):
        with in_library(library):
            CopyFactory(barcode="30001", title=TitleFactory(title=title))
            PatronFactory(card="C1", name=name)


def state(library: Any) -> dict[str, tuple[int, str]]:
    with in_library(library):
        return everything()


@pytest.mark.usefixtures("both")
def test_a_checkout_and_a_return_touch_their_own_library_alone(
    api: Callable[..., Any], north: Any, south: Any
) -> None:
    client = api(north, "librarian")
    untouched = state(south)

    lent = client.post("/api/v1/loans/", LEND).json()["loan"]
    assert lent["title"]["title"] == "Snow"
    assert (
        client.post("/api/v1/returns/", {"copy_barcode": "30001", "branch": "main"}).json()["loan"]["id"]
        == lent["id"]
    )

    assert state(south) == untouched
    # The positive control: the south's own copy is on its shelf, and the south's librarian can lend it.
    own = api(south, "librarian").post("/api/v1/loans/", LEND)
    assert (own.status_code, own.json()["loan"]["title"]["title"]) == (201, "Sand")


@pytest.mark.usefixtures("both")
def test_a_copy_on_loan_in_one_library_is_free_in_the_other(
    api: Callable[..., Any], north: Any, south: Any
) -> None:
    client = api(north, "librarian")
    assert client.post("/api/v1/loans/", LEND).status_code == 201

    assert api(south, "librarian").post("/api/v1/loans/", LEND).status_code == 201
    assert client.post("/api/v1/loans/", LEND).json()["code"] == "copy_on_loan"


@pytest.mark.usefixtures("both")
def test_equal_ids_name_different_loans_and_patrons(api: Callable[..., Any], north: Any, south: Any) -> None:
    ours = api(north, "librarian").post("/api/v1/loans/", LEND).json()["loan"]
    theirs = api(south, "librarian").post("/api/v1/loans/", LEND).json()["loan"]
    with in_library(south):
        # Make the ids equal, so that a leak has something to show.
        if theirs["id"] != ours["id"]:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE circulation_loan SET id = %s WHERE id = %s", [ours["id"], theirs["id"]]
                )

    shown = api(south, "librarian").get(f"/api/v1/loans/{ours['id']}/").json()

    assert (shown["id"], shown["title"]["title"]) == (ours["id"], "Sand")
    listed = api(south, "librarian").get("/api/v1/loans/", {"card_number": "C1"}).json()["results"]
    assert [loan["title"]["title"] for loan in listed] == ["Sand"]


@pytest.mark.usefixtures("both")
def test_one_idempotency_key_is_two_keys(api: Callable[..., Any], north: Any, south: Any) -> None:
    ours = api(north, "librarian").post("/api/v1/loans/", LEND, HTTP_IDEMPOTENCY_KEY="same")
    theirs = api(south, "librarian").post("/api/v1/loans/", LEND, HTTP_IDEMPOTENCY_KEY="same")

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in theirs
    assert theirs.json()["loan"]["title"]["title"] == "Sand"


@pytest.mark.usefixtures("both")
def test_a_token_of_the_other_library_opens_nothing(api: Callable[..., Any], north: Any, south: Any) -> None:
    stranger = api(south, "admin")
    stranger.defaults["HTTP_HOST"] = "north.localhost"
    before = state(north)

    answers = [
        stranger.post("/api/v1/loans/", LEND),
        stranger.post("/api/v1/returns/", {"copy_barcode": "30001", "branch": "main"}),
        stranger.get("/api/v1/loans/"),
        stranger.get("/api/v1/loan-rules/"),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert state(north) == before
    assert api(north, "admin").post("/api/v1/loans/", LEND).status_code == 201


@pytest.mark.usefixtures("both")
def test_also_after_a_failure_inside_a_savepoint(north: Any, south: Any) -> None:
    """A rollback to a savepoint may undo the search path; the next query must go to the library all the same."""
    with in_library(north):
        with pytest.raises(IntegrityError), transaction.atomic(), in_library(south, same_transaction=True):
            CopyFactory(barcode="30001")
        assert CopyFactory(barcode="ONLY-NORTH").title_id
        assert Loan.objects.count() == 0
    with in_library(south):
        assert not CopyFactory._meta.model.objects.filter(barcode="ONLY-NORTH").exists()
