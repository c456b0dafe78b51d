"""Making patron categories."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from saas.core.db.integrity import refused_if_taken
from saas.core.principals import SYSTEM, Actor
from saas.core.seeding import LibrarySeed
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


def seed_library(seed: LibrarySeed) -> None:
    """Give a new library the categories `adult` and `child`. May run twice."""
    present = set(PatronCategory.objects.values_list("code", flat=True))
    for code, name in STANDARD.items():
        if code not in present:
            create_category(code=code, name=str(name), by=SYSTEM, now=seed.now)
