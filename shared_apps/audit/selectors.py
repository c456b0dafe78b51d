"""Reading the log of the current schema."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from saas.core.api.fields import utc_text
from shared_apps.audit.models import AuditEntry

# The kinds of actors that an entry may have (saas.core.principals.Actor).
ACTOR_KINDS = ("person", "staff", "key", "system", "anonymous")


def entries(*, with_personal: bool = False) -> QuerySet[AuditEntry]:
    """Every entry; with its personal values in the same query where the caller may see them."""
    rows = AuditEntry.objects.all()
    return rows.select_related("personal") if with_personal else rows


def entries_of_account(user: models.Model, *, limit: int) -> list[dict[str, Any]]:
    """The newest entries that a user caused or that are about them, as JSON, for the export of their account.

    Personal values only of entries about them: what they did to others holds the others' values.
    """
    about = Q(target_type=user._meta.label_lower, target_id=str(user.pk))
    rows = AuditEntry.objects.select_related("personal").filter(about | Q(actor_user_id=user.pk))
    return [_shown(row, user) for row in rows.order_by("-id")[:limit]]


def _shown(row: AuditEntry, user: models.Model) -> dict[str, Any]:
    is_about = (row.target_type, row.target_id) == (user._meta.label_lower, str(user.pk))
    personal = getattr(row, "personal", None) if is_about else None
    return {
        "at": utc_text(row.at),
        "action": row.action,
        "target_type": row.target_type,
        "target_id": row.target_id,
        "changes": row.changes,
        "personal": personal.values if personal is not None else {},
    }
