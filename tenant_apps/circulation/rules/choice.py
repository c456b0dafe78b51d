"""Which loan rule decides a case, and why (domain.md, section 2).

Each rule name is decided on its own. Of the rules whose branch, patron category and item type are equal to
the case's or blank, the most specific wins, compared first by branch, then by category, then by item type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PARTS = ("branch", "category", "item_type")


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked about: the codes of a branch, a patron category and an item type."""

    branch: str
    category: str
    item_type: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One value of a rule name for a scope; a part that is None means any, a value of None unlimited."""

    id: int
    name: str
    value: int | None
    branch: str | None = None
    category: str | None = None
    item_type: str | None = None

    def applies_to(self, case: Case) -> bool:
        """Whether every part of the scope is blank or equal to the case's."""
        return all(getattr(self, part) in (None, getattr(case, part)) for part in PARTS)

    @property
    def specificity(self) -> tuple[bool, ...]:
        """Which parts are named, in the order in which they count: the greater tuple wins."""
        return tuple(getattr(self, part) is not None for part in PARTS)


@dataclass(frozen=True, slots=True)
class Loser:
    """A rule that applies and lost: `reason` names the first part in which the winner is more specific."""

    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision for one rule name: the rule that won, None where none applies, and those that lost."""

    name: str
    rule: Rule | None
    losers: tuple[Loser, ...] = ()

    @property
    def value(self) -> int | None:
        """The value of the rule that won; None also where no rule applies."""
        return self.rule.value if self.rule else None


def choose(rules: Iterable[Rule], name: str, case: Case) -> Choice:
    """Decide one rule name for a case; the losers come most specific first.

    Two rules of one name and scope cannot both be stored, so there is never a tie.
    """
    applying = [rule for rule in rules if rule.name == name and rule.applies_to(case)]
    applying.sort(key=lambda rule: rule.specificity, reverse=True)
    if not applying:
        return Choice(name, None)
    winner = applying[0]
    return Choice(name, winner, tuple(Loser(rule, _reason(winner, rule)) for rule in applying[1:]))


def _reason(winner: Rule, loser: Rule) -> str:
    pairs = zip(PARTS, winner.specificity, loser.specificity, strict=True)
    return next(f"{part}_less_specific" for part, won, lost in pairs if won != lost)
