"""Reading the log of the current schema."""

from __future__ import annotations

from django.db.models import QuerySet

from shared_apps.audit.models import AuditEntry

# The kinds of actors that an entry may have (saas.core.principals.Actor).
ACTOR_KINDS = ("person", "staff", "key", "system", "anonymous")


def entries(*, with_personal: bool = False) -> QuerySet[AuditEntry]:
    """Every entry; with its personal values in the same query where the caller may see them."""
    rows = AuditEntry.objects.all()
    return rows.select_related("personal") if with_personal else rows
