"""Item types: what loan rules tell copies apart by."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import SYSTEM, Actor
from saas.core.seeding import LibrarySeed
from shared_apps.audit import services as audit
from tenant_apps.catalog.errors import ItemTypeCodeTaken
from tenant_apps.catalog.models import ItemType

STANDARD = {"book": gettext_noop("Book"), "dvd": gettext_noop("DVD")}


def add_item_type(*, code: str, name: str, by: Actor, now: datetime) -> ItemType:
    """Add an item type. Raises ItemTypeCodeTaken."""
    item_type = ItemType(code=code, name=name)
    with transaction.atomic():
        with refused_if_taken(ItemTypeCodeTaken):
            item_type.save(force_insert=True)
        audit.record(
            action="item_type.created", target=item_type, by=by, changes={"code": code, "name": name}, now=now
        )
    return item_type


def seed_library(seed: LibrarySeed) -> None:
    """Give a new library the item types `book` and `dvd`. May run twice."""
    known = set(ItemType.objects.values_list("code", flat=True))
    for code, name in STANDARD.items():
        if code not in known:
            add_item_type(code=code, name=name, by=SYSTEM, now=seed.now)
