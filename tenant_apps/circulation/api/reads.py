"""What the API shows of loans, as compiled reads."""

from __future__ import annotations

from django.db.models import BigIntegerField
from django.utils.translation import gettext as _

from saas.core.api.parameters import invalid_parameter
from saas.core.reads import CompiledRead, Filter
from tenant_apps.circulation import selectors
from tenant_apps.circulation.api.serializers import LoanSerializer


def _state(text: str) -> str:
    if text not in ("true", "false"):
        raise invalid_parameter("open", "invalid", _("open is true or false."))
    return text


_OPEN = Filter(
    parse=_state,
    choices={
        "true": lambda rows: selectors.matching(rows, {}, is_open=True),
        "false": lambda rows: selectors.matching(rows, {}, is_open=False),
    },
)
LOANS = CompiledRead(
    LoanSerializer,
    selectors.all_loans,
    scope=selectors.loan_scope,
    filters={
        "copy_barcode": lambda rows, barcode: selectors.matching(rows, {"copy_barcode": barcode}),
        "card_number": lambda rows, number: selectors.matching(rows, {"card_number": number}),
        "branch": lambda rows, code: selectors.matching(rows, {"branch": code}),
        "open": _OPEN,
    },
    ordering=("id", "due_at"),
)
LOANS_OF_PATRON = CompiledRead(
    LoanSerializer,
    selectors.all_loans,
    scope=selectors.loan_scope,
    filters={
        "patron": Filter(
            lambda rows, patron: rows.filter(patron=patron), BigIntegerField(), is_parameter=False
        ),
        "open": _OPEN,
    },
    ordering=("id", "due_at"),
    name="loans of a patron",
)
