"""Reading loans. The look-up is the permission check: what a caller may not see is not in the query set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import BigIntegerField, QuerySet

from saas.core.api.fields import utc_text
from saas.core.principals import Principal
from saas.core.reads import EVERYTHING, Among, BindAny, Scope, Scoped
from tenant_apps.circulation.models import Loan

VIEW = "circulation.view"
# A whole title would bring its MARC record into every line of a list.
_SHOWN = (
    "version",
    "copy__barcode",
    "copy__title__title",
    "patron_id",
    "card_number",
    "branch__code",
    "checked_out_at",
    "due_at",
    "renewals",
    "returned_at",
    "effective_return_at",
    "return_branch__code",
)
_FILTERS = {
    "copy_barcode": "copy__barcode",
    # Any card of the patron finds all their loans, also those made with a card that was lost since.
    "card_number": "patron__cards__number",
    "branch": "branch__code",
}


_OF_BRANCHES = Scope(
    "branches", lambda rows: rows.filter(Among("branch", BindAny("branches", BigIntegerField())))
)


def all_loans() -> QuerySet[Loan]:
    """Every loan of the current library; everything that the JSON form of a loan shows comes with the row."""
    return Loan.objects.select_related("copy__title", "branch", "return_branch").only(*_SHOWN)


def loans_visible_to(principal: Principal) -> QuerySet[Loan]:
    """Loans whom the caller may see: all, or those made at the branches where they hold `circulation.view`."""
    loans = all_loans()
    branches = principal.branches_for(VIEW)
    return loans if branches is None else loans.filter(branch__in=branches)


def loan_scope(principal: Principal) -> Scoped:
    """The loans of `loans_visible_to`, for compiled reads."""
    branches = principal.branches_for(VIEW)
    return EVERYTHING.with_values() if branches is None else _OF_BRANCHES.with_values(branches=branches)


def matching(
    loans: QuerySet[Loan], wanted: Mapping[str, Any], *, is_open: bool | None = None
) -> QuerySet[Loan]:
    """Keep loans that match every filter: `copy_barcode`, `card_number`, `branch` (a code), open or not."""
    conditions: dict[str, Any] = {_FILTERS[name]: value for name, value in wanted.items()}
    if is_open is not None:
        conditions["returned_at__isnull"] = is_open
    return loans.filter(**conditions)


def loan_in_full(loan_id: int) -> Loan | None:
    """One loan with its copy's title, its branch and its patron, as the desk shows it; one query."""
    return _in_full().filter(pk=loan_id).first()


def open_loans_of_account(user_id: int) -> QuerySet[Loan]:
    """What the patron of this account has borrowed, what is due first first; one query, whatever their number."""
    return _in_full().filter(patron__user=user_id, returned_at=None).order_by("due_at", "pk")


def export_of_account(user_id: int) -> dict[str, Any]:
    """The member `loans` of the export of an account: what its patron has borrowed, the newest first."""
    loans = Loan.objects.filter(patron__user=user_id).select_related("copy__title", "branch").order_by("-id")
    return {
        "loans": [
            {
                "title": loan.copy.title.title,
                "copy": loan.copy.barcode,
                "branch": loan.branch.code,
                "card_number": loan.card_number,
                "checked_out_at": utc_text(loan.checked_out_at),
                "due_at": utc_text(loan.due_at),
                "returned_at": utc_text(loan.returned_at) if loan.returned_at else None,
            }
            for loan in loans
        ]
    }


def _in_full() -> QuerySet[Loan]:
    names = (
        "patron__name",
        "patron__home_branch_id",
        "branch__name",
        "branch__time_zone",
        "copy__title__language",
    )
    return Loan.objects.select_related("copy__title", "branch", "patron", "return_branch").only(
        *_SHOWN, *names
    )
