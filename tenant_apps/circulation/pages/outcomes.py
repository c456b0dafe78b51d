"""What the desk shows after a scan: kept in the session as ids and codes, read again when it is shown.

No name of a patron lies in the session; what is shown is what is true now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from django.utils.translation import gettext as _

from saas.core.errors import DomainError
from saas.core.principals import Principal
from tenant_apps.catalog import selectors as catalog
from tenant_apps.circulation import selectors
from tenant_apps.circulation.rules.returning import IN_HOUSE_USE, TRANSFER
from tenant_apps.circulation.services import Checkout, Message, Return
from tenant_apps.patrons import selectors as patrons
from tenant_apps.patrons.selectors import Patron

LENT, RETURNED, REFUSED, ASKED, PATRON = "lent", "returned", "refused", "asked", "patron"
# Which field a refusal is about, so that the next scan goes there; of all others the copy is.
_ABOUT_THE_CARD = frozenset({"unknown_card", "patron_blocked", "patron_expired"})
CARD, COPY, RETURN = "card", "copy", "return"


class Point(TypedDict):
    """A code and its text in the language of the page."""

    code: str
    detail: str


class Outcome(TypedDict, total=False):
    """What the last scan led to, as it is kept in the session (JSON)."""

    kind: str
    loan: int | None
    patron: int | None
    card: str
    barcode: str
    title: str
    detail: str
    action: str
    to_branch: str
    points: list[Point]
    focus: str


def lent(checkout: Checkout) -> Outcome:
    """A copy was lent."""
    return {"kind": LENT, "loan": checkout.loan.pk, "points": _points(checkout.messages), "focus": COPY}


def returned(result: Return, *, barcode: str) -> Outcome:
    """A copy was taken back, be it from a loan or not."""
    return {
        "kind": RETURNED,
        "loan": result.loan.pk if result.loan is not None else None,
        "barcode": barcode,
        "action": result.action,
        "to_branch": result.transfer.to_branch if result.transfer is not None else "",
        "points": _points(result.messages),
        "focus": RETURN,
    }


def refused(refusal: DomainError, *, card: str = "", barcode: str = "", focus: str = "") -> Outcome:
    """Nothing was done; the reason in words. What only wants a confirmation asks for it."""
    asked = [dict(point) for point in refusal.extension_members.get("confirmations", ())]
    about = CARD if refusal.code in _ABOUT_THE_CARD else COPY
    detail = refusal.detail or refusal.title
    if refusal.errors:
        detail = refusal.errors[0].detail
    return {
        "kind": ASKED if asked else REFUSED,
        "title": str(refusal.title),
        "detail": str(detail),
        "points": [{"code": str(point["code"]), "detail": str(point["detail"])} for point in asked],
        "card": card,
        "barcode": barcode,
        "focus": focus or about,
    }


def patron_found(patron: Patron | None) -> Outcome:
    """A card was scanned alone: the copies come next. None stands for a patron whom this person may not see."""
    return {"kind": PATRON, "patron": patron.pk if patron is not None else None, "focus": COPY}


def described(outcome: Outcome | None, principal: Principal) -> dict[str, Any] | None:
    """What the page shows of an outcome, in one query; None where there is nothing to show any more."""
    if outcome is None:
        return None
    shown: dict[str, Any] = {**outcome, "copy_title": ""}
    if outcome["kind"] == PATRON:
        shown["patron"] = patrons.patrons_visible_to(principal).filter(pk=outcome["patron"] or 0).first()
        return shown
    if outcome.get("loan") is not None:
        loan = selectors.loan_in_full(int(outcome["loan"] or 0))
        if loan is None:
            return None
        shown |= {"loan": loan, "copy_title": loan.copy.title.title, "barcode": loan.copy.barcode}
        patron = loan.patron
        if patron is not None and principal.may(patrons.VIEW, branch_id=patron.home_branch_id):
            shown["patron"] = patron
    elif outcome.get("barcode"):
        copy = catalog.all_copies().filter(barcode=outcome["barcode"]).first()
        shown["copy_title"] = copy.title.title if copy is not None else ""
    if outcome["kind"] == RETURNED:
        shown["what_to_do"] = _what_to_do(outcome)
    return shown


def _what_to_do(outcome: Outcome) -> str:
    if outcome["action"] == TRANSFER:
        return _("Send it to branch %(branch)s") % {"branch": outcome["to_branch"]}
    if outcome["action"] == IN_HOUSE_USE:
        return _("Counted as used in the library. Put it on the shelf")
    return _("Put it on the shelf")


def _points(messages: Sequence[Message]) -> list[Point]:
    return [{"code": message.code, "detail": str(message.detail)} for message in messages]
