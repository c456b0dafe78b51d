"""What a desk is told beside the answer, and what it is asked to confirm."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from saas.core.errors import ConfirmationRequired, FieldProblem
from tenant_apps.circulation.errors import UnknownConfirmation
from tenant_apps.circulation.rules.returning import ARRIVED_HOME, NOT_ON_LOAN, TRANSFER_NEEDED

COPY_DAMAGED = "copy_damaged"
COPY_FOUND = "copy_found"
COPY_IS_WITHDRAWN = "copy_withdrawn"

TEXTS: dict[str, str | Promise] = {
    NOT_ON_LOAN: _("This copy was not on loan."),
    TRANSFER_NEEDED: _("This copy belongs to another branch: send it there."),
    ARRIVED_HOME: _("This copy has arrived at its own branch."),
    COPY_FOUND: _("This copy was recorded as lost and is found."),
    COPY_IS_WITHDRAWN: _("This copy has been withdrawn from the stock: do not shelve it."),
    COPY_DAMAGED: _("This copy is recorded as damaged. Lend it all the same?"),
}


@dataclass(frozen=True, slots=True)
class Message:
    """A stable code and a text in the reader's language."""

    code: str
    detail: str | Promise


def message(code: str) -> Message:
    """The message with this code. Raises KeyError for one that has no text."""
    return Message(code, TEXTS[code])


def check_confirmations(confirm: Sequence[str], known: Collection[str]) -> None:
    """Raise UnknownConfirmation if a code is not among those that the command may ask for."""
    unknown = [at for at, code in enumerate(confirm) if code not in known]
    if unknown:
        raise UnknownConfirmation(unknown)


def require_confirmed(needed: Sequence[str], confirm: Collection[str]) -> None:
    """Raise ConfirmationRequired with every needed code that the caller did not send."""
    missing = [code for code in needed if code not in confirm]
    if missing:
        raise ConfirmationRequired([FieldProblem("confirm", code, TEXTS[code]) for code in missing])
