"""What a return decides by, read in one statement under the lock of the copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas.core.writes import Statement, Unit
from tenant_apps.branches.selectors import Branch
from tenant_apps.circulation.models import Copy, Loan, Title
from tenant_apps.circulation.services.lines import LoanLine

_FACTS = Statement(
    """
    SELECT {copy.barcode}, {title.pk}, {title.title}, {copy.withdrawn_at}, {copy.lost_at},
        {copy.home_branch}, {home.code}, {copy.current_branch},
        {loan.pk}, {loan.version}, {loan.patron}, {loan.card_number}, {loan.branch}, {lent_at.code},
        {loan.checked_out_at}, {loan.due_at}, {loan.renewals}
    FROM {copy} JOIN {title} ON {title.pk} = {copy.title} JOIN {home} ON {home.pk} = {copy.home_branch}
    LEFT JOIN {loan} ON {loan.copy} = {copy.pk} AND {loan.returned_at} IS NULL
    LEFT JOIN {lent_at} ON {lent_at.pk} = {loan.branch}
    WHERE {copy.pk} = %(copy)s::bigint
    """,
    copy=Copy,
    title=Title,
    home=Branch,
    loan=Loan,
    lent_at=Branch,
)


@dataclass(frozen=True, slots=True)
class ReturnFacts:
    """The copy, and the loan that it is out on; None where it is not."""

    copy_id: int
    withdrawn_at: datetime | None
    lost_at: datetime | None
    home_branch_id: int
    home_branch: str
    current_branch_id: int
    loan: LoanLine | None


def read_facts(unit: Unit, values: Mapping[str, Any]) -> ReturnFacts:
    """Read them for the value `copy`, the id of a locked copy."""
    row = unit.facts(_FACTS, values)
    if row is None:
        raise LookupError("a copy that is locked is gone")
    (
        barcode,
        title_id,
        title,
        *of_copy,
        pk,
        version,
        patron_id,
        card,
        branch_id,
        branch,
        out,
        due,
        renewals,
    ) = row
    loan = None
    if pk is not None:
        loan = LoanLine(
            pk=pk,
            version=version,
            copy_barcode=barcode,
            title_id=title_id,
            title=title,
            patron_id=patron_id,
            card_number=card,
            branch_id=branch_id,
            branch=branch,
            checked_out_at=out,
            due_at=due,
            renewals=renewals,
        )
    return ReturnFacts(*(values["copy"], *of_copy, loan))
