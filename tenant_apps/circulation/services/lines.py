"""A loan as a command knows it when it is done: everything that its answer shows, without another query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LoanLine:
    """One loan, its copy and its title; branches by code, moments aware. `pk` and `version` make its entity tag."""

    pk: int
    version: int
    copy_barcode: str
    title_id: int
    title: str
    patron_id: int | None
    card_number: str
    branch_id: int
    branch: str
    checked_out_at: datetime
    due_at: datetime
    renewals: int = 0
    returned_at: datetime | None = None
    effective_return_at: datetime | None = None
    return_branch: str | None = None
