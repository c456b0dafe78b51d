"""What becomes of a copy that is handed in: a numbered table, each row tested by its number.

| # | on loan | home is here | believed to be here | action       | messages                     |
|---|---------|--------------|---------------------|--------------|------------------------------|
| 1 | yes     | yes          |                     | shelve       |                              |
| 2 | yes     | no           |                     | transfer     | transfer_needed              |
| 3 | no      | yes          | yes                 | in_house_use | not_on_loan                  |
| 4 | no      | yes          | no                  | shelve       | arrived_home                 |
| 5 | no      | no           |                     | transfer     | not_on_loan, transfer_needed |

Row 4 is a copy that comes back from another branch.
"""

from __future__ import annotations

from dataclasses import dataclass

SHELVE, TRANSFER, IN_HOUSE_USE = "shelve", "transfer", "in_house_use"
NOT_ON_LOAN, TRANSFER_NEEDED, ARRIVED_HOME = "not_on_loan", "transfer_needed", "arrived_home"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the desk does with the copy, and the codes of what it is told."""

    action: str
    messages: tuple[str, ...] = ()


def outcome(*, on_loan: bool, home_here: bool, believed_here: bool) -> Outcome:
    """Return the row of the table that applies."""
    if on_loan:
        return Outcome(SHELVE) if home_here else Outcome(TRANSFER, (TRANSFER_NEEDED,))
    if not home_here:
        return Outcome(TRANSFER, (NOT_ON_LOAN, TRANSFER_NEEDED))
    return Outcome(IN_HOUSE_USE, (NOT_ON_LOAN,)) if believed_here else Outcome(SHELVE, (ARRIVED_HOME,))
