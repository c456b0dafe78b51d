"""Item types: what loan rules tell copies apart by."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import Actor
from saas.core.seeding import LibrarySeed, rename_prepared
from shared_apps.audit import services as audit
from tenant_apps.catalog.errors import ItemTypeCodeTaken
from tenant_apps.catalog.models import ItemType

STANDARD = {"book": _("Book"), "dvd": _("DVD")}


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


def prepare_library(using: str) -> None:
    """Give a new schema the item types `book` and `dvd`."""
    ItemType.objects.using(using).bulk_create(
        [ItemType(code=code, name=str(name)) for code, name in STANDARD.items()]
    )


def seed_library(seed: LibrarySeed) -> None:
    """Put the names of the item types into the library's own language."""
    if not seed.is_in_prepared_language:
        rename_prepared(ItemType, {code: str(name) for code, name in STANDARD.items()})
