"""Forgetting: links that nobody used, and what sign-ups say about people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from saas.core.principals import SYSTEM
from saas.core.tenancy import in_public
from shared_apps.audit.services import record
from shared_apps.signup import rules
from shared_apps.signup.models import SignUp, SignUpStatus

_BATCH = 500
_NOTHING = {"library_name": "", "admin_name": "", "admin_email": "", "password_hash": ""}


def expire_sign_ups(*, now: datetime) -> tuple[int, int]:
    """Mark unused links that are past their time; empty the personal values of requests after 30 days.

    Returns how many were marked and how many emptied. Works in batches of 500, each its own transaction; a
    row that somebody is using at this moment is left for the next run. May run twice, also at once.
    """
    with in_public():
        overdue = SignUp.objects.filter(status=SignUpStatus.PENDING, expires_at__lte=now)
        old = SignUp.objects.filter(erased_at=None, created_at__lte=now - rules.PERSONAL_VALUES_KEPT)
        expired = _in_batches(
            overdue,
            lambda rows: rows.update(status=SignUpStatus.EXPIRED, password_hash=""),
            "signup.expired",
            now,
        )
        erased = _in_batches(
            old.exclude(status=SignUpStatus.PENDING),
            lambda rows: rows.update(erased_at=now, **_NOTHING),
            "signup.erased",
            now,
        )
    return expired, erased


def _in_batches(
    rows: QuerySet[SignUp], change: Callable[[QuerySet[SignUp]], int], action: str, now: datetime
) -> int:
    total = 0
    while True:
        with transaction.atomic():
            batch = rows.select_for_update(skip_locked=True).order_by("created_at")[:_BATCH]
            ids = list(batch.values_list("pk", flat=True))
            if not ids:
                return total
            total += change(SignUp.objects.filter(pk__in=ids))
            record(action=action, by=SYSTEM, changes={"sign_ups": [str(pk) for pk in ids]}, now=now)
