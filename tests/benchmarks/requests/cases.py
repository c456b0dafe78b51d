"""The measured requests, and those that only show that a peer knows the rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import orjson

from tests.benchmarks.requests.data import Desk

BASE = "/api/v1"
LIST, TITLE, CHECKOUT, RETURN, ME, ONE_QUERY = (
    "list of 50 titles",
    "one title",
    "checkout",
    "return",
    "me",
    "one query",
)
_PAGE = {"next": "address", "previous": "address"}
_LENT = {"loan.id": "id", "loan.checked_out_at": "moment"}
_RETURNED = {**_LENT, "loan.returned_at": "moment", "loan.effective_return_at": "moment"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the row it counts for, the status it must have, and what may vary in its answer (see guard)."""

    row: str
    method: str
    path: str
    body: bytes | None = None
    status: int = 200
    varying: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that belong together, by the name that `--only` knows. `calls(n)` are those of the nth repetition,
    which leave all as it was.

    A round has few repetitions, so that variants take turns often and a burst of other work falls on all of them.
    """

    key: str
    name: str
    repetitions: int
    calls: Callable[[int], Sequence[Call]]


def cases(desk: Desk) -> list[Case]:
    """What is measured, with the ids of the data that was made."""

    def title(number: int) -> list[Call]:
        chosen = desk.title_ids[number % len(desk.title_ids)]
        return [Call(TITLE, "GET", f"{BASE}/titles/{chosen}/")]

    def lend_and_return(number: int) -> list[Call]:
        barcode = desk.barcodes[number % len(desk.barcodes)]
        card = desk.card_numbers[number % len(desk.card_numbers)]
        return [lend(CHECKOUT, barcode, card), give_back(RETURN, barcode)]

    listed = Call(LIST, "GET", f"{BASE}/titles/?page_size=50", varying=_PAGE)
    me = Call(ME, "GET", f"{BASE}/me/")
    branches = Call(ONE_QUERY, "GET", f"{BASE}/branches/", varying=_PAGE)
    return [
        Case("list", LIST, 4, lambda _number: [listed]),
        Case("title", TITLE, 5, title),
        Case("checkout", CHECKOUT, 4, lend_and_return),
        Case("me", ME, 8, lambda _number: [me]),
        Case("query", ONE_QUERY, 8, lambda _number: [branches]),
    ]


def mix(desk: Desk, client: int, clients: int) -> list[list[Call]]:
    """What one of several clients does over and over: of 12 requests 4 titles, 2 lists, 2 of `me`, 2 of branches, and
    a copy lent and returned. No two clients name the same copy or card, and each begins at another place.

    The calls of an inner list belong together and leave all as it was.
    """
    by_key = {case.key: case for case in cases(desk)}
    order = ("title", "list", "title", "me", "query", "checkout", "title", "list", "title", "me", "query")
    units = [list(by_key[key].calls(client + clients * number)) for number in range(2) for key in order]
    return units[client:] + units[:client]


def lend(row: str, barcode: str, card: str, *, status: int = 201) -> Call:
    """A checkout at the main branch."""
    body = {"copy_barcode": barcode, "card_number": card, "branch": "main"}
    return Call(row, "POST", f"{BASE}/loans/", orjson.dumps(body), status, _LENT)


def give_back(row: str, barcode: str) -> Call:
    """A return at the main branch."""
    body = orjson.dumps({"copy_barcode": barcode, "branch": "main"})
    return Call(row, "POST", f"{BASE}/returns/", body, 201, _RETURNED)


def refusals(desk: Desk) -> list[Call]:
    """What nobody may do: a peer that lets it through does less work than ours, and its times mean nothing."""
    barcode, card = desk.barcodes[0], desk.card_numbers[0]
    return [
        lend("an unknown barcode", "no-such-copy", card, status=404),
        lend("an unknown card", barcode, "no-such-card", status=404),
        lend("a copy on loan", desk.lent_barcode, card, status=409),
        lend("a patron at the limit", barcode, desk.card_at_limit, status=409),
        lend("a lost card", barcode, desk.lost_card, status=409),
        Call("an unknown title", "GET", f"{BASE}/titles/999999999/", status=404),
    ]
