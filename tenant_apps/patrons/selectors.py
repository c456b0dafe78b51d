"""Reading patrons. The look-up is the permission check: what a caller may not see is not in the query set."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, OuterRef, Prefetch, Q, QuerySet, TextField
from django.db.models.functions import Cast, JSONObject

from saas.core.api.fields import utc_text
from saas.core.db.binds import Bind
from saas.core.principals import Principal
from saas.core.reads import EVERYTHING, Among, BindAny, Scope, Scoped
from saas.core.writes import Lock
from tenant_apps.patrons import rules
from tenant_apps.patrons.models import Card, Patron, PatronCategory

MANAGE = "patrons.manage"
VIEW = "patrons.view"
__all__ = [
    "MANAGE",
    "PATRON_BY_CARD",
    "VIEW",
    "Card",
    "Patron",
    "PatronCategory",
    "all_categories",
    "all_patrons",
    "card_exists",
    "export_of_account",
    "has_expired",
    "lock_patron_of_account",
    "matching",
    "own_patron",
    "patron_of_account",
    "patron_scope",
    "patrons_visible_to",
    "user_id_for_card",
]


def all_categories() -> QuerySet[PatronCategory]:
    """Every patron category of the current library."""
    return PatronCategory.objects.all()


_OF_BRANCHES = Scope(
    "branches", lambda rows: rows.filter(Among("home_branch", BindAny("branches", BigIntegerField())))
)


def all_patrons() -> QuerySet[Patron]:
    """Every patron of the current library, with what a list shows of them; one more query, for their cards."""
    return Patron.objects.select_related("category", "home_branch").prefetch_related("cards")


def patron_scope(principal: Principal) -> Scoped:
    """The patrons of `patrons_visible_to`, for compiled reads."""
    branches = principal.branches_for(VIEW)
    return EVERYTHING.with_values() if branches is None else _OF_BRANCHES.with_values(branches=branches)


def patrons_visible_to(principal: Principal, *, permission: str = VIEW) -> QuerySet[Patron]:
    """Patrons whom the caller may see: all, or those whose home branch is one of the caller's."""
    patrons = Patron.objects.select_related("category", "home_branch")
    branches = principal.branches_for(permission)
    return patrons if branches is None else patrons.filter(home_branch__in=branches)


def matching(patrons: QuerySet[Patron], text: Any) -> QuerySet[Patron]:
    """Keep patrons whose name contains the text (or a Bind), in any case, or who have a card that begins with it."""
    cards = Card.objects.filter(number__startswith=text)
    return patrons.filter(Q(name__icontains=text) | Q(pk__in=cards.values("patron")))


# The patron who has the card `card_number`; answers their id. A card is one patron's for ever; whether it is lost, and
# everything else about the patron, is to be read after this.
PATRON_BY_CARD = Lock(
    Patron,
    "SELECT {patron.pk} FROM {patron} JOIN {card} ON {card.patron} = {patron.pk}"
    " WHERE {card.number} = %(card_number)s::text",
    patron=Patron,
    card=Card,
)


def lock_patron_of_account(user_id: int) -> Patron | None:
    """Lock the patron whom this account acts as until the transaction ends; None without one."""
    return Patron.objects.select_for_update(of=("self",), no_key=True).filter(user=user_id).first()


def export_of_account(user_id: int) -> dict[str, Any]:
    """The member `patron` of the export of an account: the whole record, null without one (ACCOUNT_EXPORTERS)."""
    patron = Patron.objects.select_related("category", "home_branch").filter(user=user_id).first()
    if patron is None:
        return {"patron": None}
    cards = patron.cards.order_by("pk").values_list("number", "lost_at")
    return {
        "patron": {
            "id": str(patron.pk),
            "name": patron.name,
            "email": patron.email,
            "birth_date": patron.birth_date.isoformat() if patron.birth_date else None,
            "expires_on": patron.expires_on.isoformat() if patron.expires_on else None,
            "language": patron.language,
            "category": patron.category.code,
            "home_branch": patron.home_branch.code,
            "registered_at": utc_text(patron.created_at),
            "cards": [{"number": number, "is_lost": lost is not None} for number, lost in cards],
        }
    }


def card_exists(number: str) -> bool:
    """Whether any patron has or had this card."""
    return Card.objects.filter(number=number).exists()


def user_id_for_card(number: str) -> int | None:
    """The user who may sign in with this card: its patron's account; None without one, or if it is lost."""
    cards = Card.objects.filter(number=number, lost_at=None)
    return cards.values_list("patron__user_id", flat=True).first()


def patron_of_account(user_id: int) -> Patron | None:
    """The patron whom this account acts as, with their valid cards in `valid_cards`; two queries."""
    valid = Prefetch("cards", Card.objects.filter(lost_at=None).order_by("pk"), to_attr="valid_cards")
    return Patron.objects.filter(user=user_id).prefetch_related(valid).first()


def own_patron() -> QuerySet[Patron, Any]:
    """The member `patron` of `/api/v1/me/`: the patron whom the Bind `user` acts as, as JSON (ME_EXTENSIONS)."""
    user: Any = Bind("user", BigIntegerField())
    valid = Card.objects.filter(patron=OuterRef("pk"), lost_at=None).order_by("pk").values("number")
    told = JSONObject(id=Cast("pk", TextField()), card_numbers=ArraySubquery(valid))
    return Patron.objects.filter(user=user).values_list(Cast(told, TextField()))


def has_expired(expires_on: dt.date | None, *, today: dt.date) -> bool:
    """Whether a membership until `expires_on` (None: for ever) is over on `today`, the date at the branch that asks."""
    return rules.has_expired(expires_on, today)
