"""What is refused at the desk. The same code at every door: desk, a reader's own page, machines."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, FieldProblem, ValidationFailed
from tenant_apps.catalog.errors import UnknownBarcode
from tenant_apps.patrons.errors import UnknownCard

__all__ = [
    "CopyLost",
    "CopyNotForLoan",
    "CopyOnLoan",
    "CopyWithdrawn",
    "EffectiveReturnNotPossible",
    "LimitReached",
    "NoRule",
    "PatronBlocked",
    "PatronExpired",
    "RuleNotValid",
    "RuleScopeTaken",
    "UnknownBarcode",
    "UnknownCard",
    "UnknownConfirmation",
]


class CopyOnLoan(Conflict):
    """The copy is out; it has to be returned before it can be lent again."""

    code = "copy_on_loan"
    title = _("Copy on loan")
    detail = _("This copy is on loan already.")


class CopyWithdrawn(Conflict):
    """The copy does not belong to the stock any more."""

    code = "copy_withdrawn"
    title = _("Copy withdrawn")
    detail = _("This copy has been withdrawn from the stock.")


class CopyLost(Conflict):
    """The copy is recorded as lost; returning it finds it again."""

    code = "copy_lost"
    title = _("Copy recorded as lost")
    detail = _("This copy is recorded as lost. Return it first.")


class CopyNotForLoan(Conflict):
    """The copy is for use in the library."""

    code = "copy_not_for_loan"
    title = _("Copy not for loan")
    detail = _("This copy is for use in the library.")


class PatronExpired(Conflict):
    """The patron's membership ended before today, by the branch's calendar."""

    code = "patron_expired"
    title = _("Membership expired")
    detail = _("The membership of this patron has expired.")


class PatronBlocked(Conflict):
    """The patron may not borrow; `blocks` lists why, such as `card_lost` for a card reported lost."""

    code = "patron_blocked"
    title = _("Patron blocked")
    detail = _("This patron may not borrow.")

    def __init__(self, blocks: Iterable[FieldProblem]) -> None:
        """Of each block only code and detail are shown."""
        points = [{"code": block.code, "detail": block.detail} for block in blocks]
        super().__init__(points[0]["detail"] if len(points) == 1 else None, blocks=points)


class NoRule(Conflict):
    """No loan period is set for this branch, patron category and item type, so it is not lendable."""

    code = "no_rule"
    title = _("No loan rule")
    detail = _("No rule allows this kind of copy to be lent to this kind of patron here.")


class LimitReached(Conflict):
    """The patron has as many loans as the rule named in `rule` allows."""

    code = "limit_reached"
    title = _("Loan limit reached")
    detail = _("The patron has as many loans as allowed.")


class UnknownConfirmation(ValidationFailed):
    """`confirm` has a code that this command never asks for."""

    code = "unknown_confirmation"
    title = _("Unknown confirmation")
    detail = _("There is nothing with this code to confirm here.")

    def __init__(self, positions: Iterable[int]) -> None:
        """`positions` are the places in `confirm`, from 0."""
        super().__init__(errors=[FieldProblem(f"confirm.{at}", self.code, self.detail) for at in positions])


class RuleScopeTaken(ValidationFailed):
    """A rule with this name, branch, category and item type exists already: change that one."""

    code = "rule_scope_taken"
    title = _("Rule exists already")
    detail = _("A rule with this name and scope exists already.")

    def __init__(self) -> None:
        """Name the field `name`."""
        super().__init__(errors=[FieldProblem("name", self.code, self.detail)])


class RuleNotValid(ValidationFailed):
    """The value or the scope does not suit the rule's name."""

    code = "rule_not_valid"
    title = _("Rule not valid")
    detail = _("The value or the scope does not suit this rule.")


class EffectiveReturnNotPossible(ValidationFailed):
    """`effective_at` lies in the future or before the checkout."""

    code = "effective_return_not_possible"
    title = _("Time of return not possible")
    detail = _("A copy comes back after it was lent and not in the future.")

    def __init__(self, code: str) -> None:
        """`code` is in_future or before_checkout."""
        super().__init__(errors=[FieldProblem("effective_at", code, self.detail)])
