"""Making patron categories."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import Actor
from saas.core.seeding import LibrarySeed, rename_prepared
from shared_apps.audit import services as audit
from tenant_apps.patrons.errors import PatronCategoryTaken
from tenant_apps.patrons.models import PatronCategory

STANDARD = {"adult": _("Adult"), "child": _("Child")}


def create_category(*, code: str, name: str, by: Actor, now: datetime) -> PatronCategory:
    """Make a patron category. Raises PatronCategoryTaken."""
    category = PatronCategory(code=code, name=name)
    with transaction.atomic():
        with refused_if_taken(PatronCategoryTaken):
            category.save(force_insert=True)
        changes = {"code": code, "name": name}
        audit.record(action="patron_category.created", target=category, by=by, changes=changes, now=now)
    return category


def prepare_library(using: str) -> None:
    """Give a new schema the categories `adult` and `child`."""
    PatronCategory.objects.using(using).bulk_create(
        [PatronCategory(code=code, name=str(name)) for code, name in STANDARD.items()]
    )


def seed_library(seed: LibrarySeed) -> None:
    """Put the names of the categories into the library's own language."""
    if not seed.is_in_prepared_language:
        rename_prepared(PatronCategory, {code: str(name) for code, name in STANDARD.items()})
