"""What loans mean for an account that its owner wants to erase."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from saas.core.errors import FieldProblem
from tenant_apps.circulation.selectors import open_loans_of_account
from tenant_apps.patrons import selectors as patrons


def reason_to_stay(user_id: int) -> FieldProblem | None:
    """Why an account cannot be erased: something is still on loan to its patron (setting ERASURE_BLOCKERS).

    Locks the patron, so that nothing is lent to them until the caller's transaction ends.
    """
    if patrons.lock_patron_of_account(user_id) is None or not open_loans_of_account(user_id).exists():
        return None
    return FieldProblem("user", "open_loans", _("Bring back what you have borrowed first."))
