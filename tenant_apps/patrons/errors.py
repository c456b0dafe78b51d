"""What can go wrong with patrons."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, FieldProblem, NotFound, ValidationFailed


class UnknownCard(NotFound):
    """No patron of this library has a card with the number."""

    code = "unknown_card"
    title = _("Unknown card")
    detail = _("No patron has a card with this number.")


class CardNumberTaken(ValidationFailed):
    """A card number belongs to another patron of this library already, or stands in the list twice."""

    code = "card_number_taken"
    title = _("Card number taken")
    detail = _("A card with this number exists already.")

    def __init__(self, positions: Iterable[int] = ()) -> None:
        """`positions` are the places in `card_numbers`, from 0; without any, the whole field is named."""
        fields = [f"card_numbers.{at}" for at in positions] or ["card_numbers"]
        super().__init__(errors=[FieldProblem(field, self.code, self.detail) for field in fields])


class PatronCategoryTaken(ValidationFailed):
    """Another patron category of this library has the code already."""

    code = "patron_category_taken"
    title = _("Patron category code taken")
    detail = _("Another patron category has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class AccountLinked(Conflict):
    """The account belongs to another patron already."""

    code = "account_linked"
    title = _("Account linked already")
    detail = _("This account belongs to another patron.")
