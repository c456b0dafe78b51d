"""Making and changing patrons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from django.db import models, transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.branches.selectors import Branch
from tenant_apps.patrons.errors import AccountLinked
from tenant_apps.patrons.models import Patron, PatronCategory
from tenant_apps.patrons.services.cards import add_cards, replace_cards

# What stands in the place of a name that was erased; the same in every language, as a mark.
ERASED_NAME = "-"
_PERSONAL = frozenset({"name", "email", "birth_date"})


class PatronChanges(TypedDict, total=False):
    """What may change in a patron. `card_numbers` is the whole list of valid cards; see `replace_cards`."""

    name: str
    category: PatronCategory
    home_branch: Branch
    email: str
    birth_date: dt.date | None
    expires_on: dt.date | None
    language: str
    card_numbers: list[str]


def create_patron(
    *,
    name: str,
    category: PatronCategory,
    home_branch: Branch,
    card_numbers: list[str],
    by: Actor,
    now: dt.datetime,
    email: str = "",
    birth_date: dt.date | None = None,
    expires_on: dt.date | None = None,
    language: str = "",
) -> Patron:
    """Register a patron with their cards, all or nothing. Raises CardNumberTaken."""
    patron = Patron(
        name=name,
        category=category,
        home_branch=home_branch,
        email=email,
        birth_date=birth_date,
        expires_on=expires_on,
        language=language,
        created_at=now,
    )
    with transaction.atomic():
        patron.save(force_insert=True)
        add_cards(patron, card_numbers)
        audit.record(
            action="patron.created",
            target=patron,
            by=by,
            changes={
                "category": category.code,
                "home_branch": home_branch.code,
                "expires_on": _plain(expires_on),
                "cards": len(card_numbers),
            },
            personal={
                "name": name,
                "email": email,
                "birth_date": _plain(birth_date),
                "card_numbers": card_numbers,
            },
            now=now,
        )
    return patron


def update_patron(
    *,
    patron_id: int,
    changes: PatronChanges,
    by: Actor,
    now: dt.datetime,
    expect: Callable[[Patron], None] | None = None,
) -> Patron:
    """Change a patron; a change that changes nothing leaves the version as it is.

    `expect` is called with the locked row and raises if the caller saw another version. Raises NotFound and
    CardNumberTaken.
    """
    with transaction.atomic():
        locked = Patron.objects.select_for_update(of=("self",), no_key=True)
        patron = locked.select_related("category", "home_branch").filter(pk=patron_id).first()
        if patron is None:
            raise NotFound
        if expect is not None:
            expect(patron)
        values: dict[str, Any] = {**changes}
        numbers = values.pop("card_numbers", None)
        changed = {field: value for field, value in values.items() if getattr(patron, field) != value}
        pairs = {field: [_plain(getattr(patron, field)), _plain(value)] for field, value in changed.items()}
        new_cards = numbers if numbers is not None and replace_cards(patron, numbers, now=now) else None
        if not changed and new_cards is None:
            return patron
        for field, value in changed.items():
            setattr(patron, field, value)
        patron.bump()
        patron.save(update_fields=[*changed, "version"])
        entry, personal = _divided(pairs, new_cards)
        audit.record(action="patron.changed", target=patron, by=by, changes=entry, personal=personal, now=now)
    return patron


def link_account(*, patron_id: int, user_id: int, by: Actor, now: dt.datetime) -> Patron:
    """Let a user of the library act as this patron; linking the same one again changes nothing.

    Raises NotFound and AccountLinked.
    """
    with transaction.atomic():
        patron = Patron.objects.select_for_update(no_key=True).filter(pk=patron_id).first()
        if patron is None:
            raise NotFound
        if patron.user_id == user_id:
            return patron
        patron.user_id = user_id
        patron.bump()
        with refused_if_taken(AccountLinked):
            patron.save(update_fields=["user", "version"])
        audit.record(
            action="patron.account_linked", target=patron, by=by, changes={"user": str(user_id)}, now=now
        )
    return patron


def erase_account(*, user_id: int, by: Actor, now: dt.datetime) -> None:
    """Empty the patron record of an account that is being erased (setting ACCOUNT_ERASERS).

    The record stays, without a name, for the loans that point at it; its cards are refused from now on, and their
    numbers go to nobody else.
    """
    patron = Patron.objects.select_for_update(no_key=True).filter(user=user_id).first()
    if patron is None:
        return
    patron.name, patron.email, patron.language = ERASED_NAME, "", ""
    patron.birth_date = patron.user = None
    patron.bump()
    patron.save(update_fields=["name", "email", "language", "birth_date", "user", "version"])
    patron.cards.filter(lost_at=None).update(lost_at=now)
    audit.record(action="patron.erased", target=patron, by=by, now=now)
    audit.forget_personal_values(patron)


def _divided(
    pairs: Mapping[str, Any], card_numbers: list[str] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changes as [before, after] for an audit entry: what may stand in the log, and what is personal."""
    plain: dict[str, Any] = {field: pair for field, pair in pairs.items() if field not in _PERSONAL}
    personal: dict[str, Any] = {field: pair for field, pair in pairs.items() if field in _PERSONAL}
    if card_numbers is not None:
        plain["cards"] = len(card_numbers)
        personal["card_numbers"] = card_numbers
    return plain, personal


def _plain(value: Any) -> Any:
    """A value as it stands in an audit entry: rows by their code, dates in ISO 8601."""
    if isinstance(value, models.Model):
        return str(value)
    return value.isoformat() if isinstance(value, dt.date) else value
