"""Cards: each number belongs to one patron for ever; a lost card is kept and refused."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.audit import services as audit
from tenant_apps.patrons.errors import CardNumberTaken
from tenant_apps.patrons.models import Card, Patron
from tenant_apps.patrons.rules import repeated


def add_cards(patron: Patron, numbers: list[str]) -> None:
    """Give a patron new cards. Raises CardNumberTaken for one that exists or stands in the list twice."""
    _refuse_repeated(numbers)
    _insert(patron, {number: at for at, number in enumerate(numbers)})


def replace_cards(patron: Patron, numbers: list[str], *, now: datetime) -> bool:
    """Make `numbers` the patron's valid cards; whether anything changed. The caller holds the patron's lock.

    A card left out is marked lost, not deleted: a finder must be refused, and the number must not go to
    somebody else. A lost card of this patron that is listed again is valid again. Raises CardNumberTaken.
    """
    _refuse_repeated(numbers)
    known = {card.number: card for card in patron.cards.all()}
    lost = [card.pk for card in known.values() if card.lost_at is None and card.number not in numbers]
    found = [card.pk for card in known.values() if card.lost_at is not None and card.number in numbers]
    new = {number: at for at, number in enumerate(numbers) if number not in known}
    if lost:
        Card.objects.filter(pk__in=lost).update(lost_at=now)
    if found:
        Card.objects.filter(pk__in=found).update(lost_at=None)
    if new:
        _insert(patron, new)
    return bool(lost or found or new)


def report_card_lost(*, card_number: str, by: Actor, now: datetime) -> None:
    """Refuse a card from now on; reporting it again changes nothing. Raises NotFound."""
    with transaction.atomic():
        owner = Patron.objects.select_for_update(no_key=True).filter(cards__number=card_number).first()
        if owner is None:
            raise NotFound
        if not Card.objects.filter(number=card_number, lost_at=None).update(lost_at=now):
            return
        owner.bump()
        owner.save(update_fields=["version"])
        audit.record(
            action="patron.card_lost", target=owner, by=by, personal={"card_number": card_number}, now=now
        )


def _refuse_repeated(numbers: list[str]) -> None:
    twice = repeated(numbers)
    if twice:
        raise CardNumberTaken(twice)


def _insert(patron: Patron, places: dict[str, int]) -> None:
    """Insert cards; `places` says where each number stands in the caller's list."""
    taken = Card.objects.filter(number__in=places).values_list("number", flat=True)
    positions = sorted(places[number] for number in taken)
    if positions:
        raise CardNumberTaken(positions)
    # Another desk gave a number away since we looked; the unique index is the last guard.
    with refused_if_taken(CardNumberTaken):
        Card.objects.bulk_create([Card(patron=patron, number=number) for number in places])
