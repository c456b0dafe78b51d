"""Writing audit entries: called by services, inside the transaction of the change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from saas.core import clock
from saas.core.logging import request_id
from saas.core.principals import Actor
from shared_apps.audit.models import AuditEntry, AuditPersonalValues


def record(
    *,
    action: str,
    by: Actor,
    target: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEntry:
    """Write one entry in the current schema.

    `action` is `noun.past_verb` ("loan.created"). `changes` holds ids, codes, numbers and dates; names, addresses and
    card numbers go into `personal`, which erasure empties without touching the log. Both must be JSON.
    """
    entry = AuditEntry.objects.create(
        at=now or clock.now(),
        action=action,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        actor_kind=by.kind,
        actor_user_id=by.user_id,
        actor_label=by.label,
        request_id=request_id(),
        changes=dict(changes or {}),
    )
    if personal:
        AuditPersonalValues.objects.create(entry=entry, values=dict(personal))
    return entry
