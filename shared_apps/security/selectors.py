"""Reading security events."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum

from shared_apps.security.models import SecurityEvent


def events(*, kind: str | None = None, user_id: int | None = None) -> QuerySet[SecurityEvent]:
    """The current site's events; those of one kind, about or by one user."""
    found = SecurityEvent.objects.all()
    if kind is not None:
        found = found.filter(kind=kind)
    if user_id is not None:
        found = found.filter(user_id=user_id) | found.filter(actor_user_id=user_id)
    return found


def hour_before(moment: datetime, *, kind: str) -> tuple[int, list[SecurityEvent]]:
    """How many events of a kind there were in the hour up to a moment, and the five latest of them; two queries."""
    since = moment - timedelta(hours=1)
    found = SecurityEvent.objects.filter(kind=kind, last_at__gt=since, at__lte=moment)
    total = found.aggregate(total=Sum("count"))["total"] or 0
    return total, list(found.order_by("-id")[:5])
