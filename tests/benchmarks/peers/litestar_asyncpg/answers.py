"""The JSON of the contract, as msgspec structs: rows become bytes without a dictionary in between."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T]):
    """A page of a list."""

    next: str | None
    previous: str | None
    results: list[T]


class Branch(msgspec.Struct):
    """A branch."""

    id: str
    code: str
    name: str
    time_zone: str


class TitleInList(msgspec.Struct):
    """A title in a list."""

    id: str
    title: str
    subtitle: str
    year: int | None
    language: str
    isbns: list[str]
    material_type: str
    copies_total: int
    copies_available: int
    available: bool
    contributors: list[str]


class Title(msgspec.Struct):
    """A title with everything; the nested lists are JSON as the database wrote it."""

    id: str
    control_number: str
    title: str
    subtitle: str
    statement: str
    publisher: str
    place: str
    year: int | None
    language: str
    material_type: str
    edition: str
    extent: str
    series: str
    classification: str
    summary: str
    isbns: list[str]
    issns: list[str]
    urls: list[str]
    collection: str | None
    copies_total: int
    copies_available: int
    created_at: datetime
    updated_at: datetime
    contributors: msgspec.Raw
    subjects: msgspec.Raw


class LoanTitle(msgspec.Struct):
    """What was lent."""

    id: str
    title: str


class Loan(msgspec.Struct):
    """A loan."""

    id: str
    copy_barcode: str
    title: LoanTitle
    patron: str | None
    card_number: str
    branch: str
    checked_out_at: datetime
    due_at: datetime
    renewals: int = 0
    returned_at: datetime | None = None
    effective_return_at: datetime | None = None
    return_branch: str | None = None


class Lent(msgspec.Struct):
    """The answer to a checkout."""

    loan: Loan
    messages: list[str]


class Way(msgspec.Struct):
    """Where a copy has to go."""

    from_branch: str
    to_branch: str


class Returned(msgspec.Struct):
    """The answer to a return."""

    loan: Loan | None
    action: str
    transfer: Way | None
    messages: list[str]
    hold: None = None
    charges: list[str] = []


class Role(msgspec.Struct):
    """A role, where it holds, and what it gives there."""

    assignment: str
    role: str
    branch: str | None
    collection: str | None
    permissions: list[str]


class Borrower(msgspec.Struct):
    """The caller as a patron."""

    id: str
    card_numbers: list[str]


class Me(msgspec.Struct):
    """The caller."""

    id: str
    email: str
    name: str
    language: str
    roles: list[Role]
    permissions: list[str]
    branch_permissions: dict[str, list[str]]
    collection_permissions: dict[str, list[str]]
    patron: Borrower | None
    kind: str = "person"
    label: str = ""


class Checkout(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a checkout."""

    copy_barcode: str
    card_number: str
    branch: str
    confirm: list[str] = []


class Return(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a return."""

    copy_barcode: str
    branch: str
    effective_at: datetime | None = None


# -- what the database hands over as JSON -------------------------------------------------------------------------------


class Grant(msgspec.Struct):
    """A role that the caller has."""

    id: str
    role: str
    permissions: list[str]
    branch: str | None
    collection: str | None


class Rule(msgspec.Struct):
    """A loan rule."""

    id: int
    name: str
    value: Any
    branch_id: int | None
    category_id: int | None
    item_type_id: int | None


class OpenLoan(msgspec.Struct):
    """What a limit counts."""

    branch_id: int
    item_type_id: int


grants_of = msgspec.json.Decoder(list[Grant]).decode
rules_of = msgspec.json.Decoder(list[Rule]).decode
open_loans_of = msgspec.json.Decoder(list[OpenLoan]).decode
