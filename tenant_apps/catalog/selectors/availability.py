"""How many copies of titles are where, and when the next one comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, FilteredRelation, Min, OuterRef, Q, QuerySet

from saas.core.reads import CountOf
from tenant_apps.catalog.models import Copy

_IN_STOCK = Q(withdrawn_at=None, lost_at=None)
_ON_SHELF = Q(open_loan=None, damaged_at=None, not_for_loan=False)


@dataclass(frozen=True, slots=True)
class BranchAvailability:
    """Copies of one title that are now at one branch. `copies` counts what is neither lost nor withdrawn.

    `first_due_at` is when the first of the lent ones is due back, UTC; None where none is lent.
    """

    branch: str
    branch_name: str
    time_zone: str
    copies: int
    available: int
    on_loan: int
    not_for_loan: int
    first_due_at: datetime | None


def available_copies() -> QuerySet[Copy]:
    """Copies that a patron could take from the shelf now."""
    return with_open_loan(Copy.objects.all()).filter(_IN_STOCK, _ON_SHELF)


def with_open_loan(copies: QuerySet[Copy]) -> QuerySet[Copy]:
    """The copies with the relation `open_loan`, to which at most one row belongs."""
    # Circulation's loans are reached through the reverse relation of Copy: the catalogue does not import
    # circulation. A new object each time: Django renames the condition of the one that it is given.
    return copies.annotate(open_loan=FilteredRelation("loans", condition=Q(loans__returned_at=None)))


def has_available_copy() -> Exists:
    """For a query set of titles: whether a copy is on the shelf."""
    return Exists(available_copies().filter(title=OuterRef("pk")))


def copies_of_each() -> dict[str, CountOf]:
    """For a query set of titles: how many copies each has that are neither lost nor withdrawn, and how many a patron
    could take from the shelf now.
    """
    copies = Copy.objects.filter(_IN_STOCK, title=OuterRef("pk"))
    loans: Any = Copy._meta.get_field("loans").related_model
    open_loans = CountOf(loans.objects.filter(copy=OuterRef("pk"), returned_at=None))
    # A join, or NOT EXISTS, the planner turns into a hash of all open loans, made anew for each title of a page.
    on_shelf = copies.filter(damaged_at=None, not_for_loan=False).alias(loans_open=open_loans)
    return {"copies_total": CountOf(copies), "copies_available": CountOf(on_shelf.filter(loans_open=0))}


def availability_of(title_ids: Sequence[int]) -> dict[int, list[BranchAvailability]]:
    """Availability by title and branch, branches by name; one query. A title without copies is not in it."""
    rows = (
        with_open_loan(Copy.objects.filter(_IN_STOCK, title__in=title_ids))
        .values(
            "title_id",
            code=F("current_branch__code"),
            name=F("current_branch__name"),
            zone=F("current_branch__time_zone"),
        )
        .annotate(
            copies=Count("id"),
            shelf=Count("id", filter=_ON_SHELF),
            lent=Count("id", filter=Q(open_loan__isnull=False)),
            in_house=Count("id", filter=Q(open_loan=None, damaged_at=None, not_for_loan=True)),
            due=Min("open_loan__due_at"),
        )
        .order_by("title_id", "name", "code")
    )
    found: dict[int, list[BranchAvailability]] = {}
    for row in rows:
        found.setdefault(row["title_id"], []).append(
            BranchAvailability(
                branch=row["code"],
                branch_name=row["name"],
                time_zone=row["zone"],
                copies=row["copies"],
                available=row["shelf"],
                on_loan=row["lent"],
                not_for_loan=row["in_house"],
                first_due_at=row["due"],
            )
        )
    return found
