"""Writing audit entries: called by services, inside the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import orjson
from django.db import models
from psycopg import sql

from saas.core import clock
from saas.core.db.inserts import insert
from saas.core.logging import request_id
from saas.core.principals import Actor
from saas.core.writes import Part, inserting
from shared_apps.audit.models import AuditEntry, AuditPersonalValues

_Recorded = tuple[AuditEntry, Mapping[str, Any] | None]
_waiting: ContextVar[list[_Recorded] | None] = ContextVar("audit_entries_waiting", default=None)


def record(
    *,
    action: str,
    by: Actor,
    target: models.Model | None = None,
    changes: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
    caused_by: str | None = None,
    now: datetime | None = None,
) -> AuditEntry:
    """Write one entry in the current schema, at once or with the others of a `recorded_together` block.

    `action` is `noun.past_verb` ("loan.created"). `changes` holds ids, codes, numbers and dates; names, addresses and
    card numbers go into `personal`, which erasure empties without touching the log. Both must be JSON. `caused_by` is
    the id of the request that did it, where that is not the one that runs now.
    """
    entry = AuditEntry(
        at=now or clock.now(),
        action=action,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        actor_kind=by.kind,
        actor_user_id=by.user_id,
        actor_label=by.label,
        request_id=request_id() if caused_by is None else caused_by,
        changes=dict(changes or {}),
    )
    waiting = _waiting.get()
    if waiting is None:
        _write([(entry, personal)])
    else:
        waiting.append((entry, personal))
    return entry


def entry_part(
    *, action: str, target: type[models.Model], of: str | None = None, row: sql.Composable | None = None
) -> Part:
    """The entry as a part, named `entry`, of a statement that writes its change (saas.core.writes).

    It is about the row whose `id` the part `of` returns, and is written only where there is one; or about the row whose
    id as text the SQL `row` says. Its values come from `entry_values`.
    """
    if row is None:
        row = sql.SQL("{}.id::text").format(sql.Identifier(str(of)))
    about = {
        "action": sql.Literal(action),
        "target_type": sql.Literal(target._meta.label_lower),
        "target_id": row,
    }
    names = ("at", "actor_kind", "actor_user_id", "actor_label", "request_id", "changes")
    values = {name: f"entry_{name}" for name in names}
    return inserting("entry", AuditEntry, values=values, computed=about, of=of)


def entry_values(*, by: Actor, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The values of `entry_part`. `changes` is as for `record`; there is no place for personal values."""
    return {
        "entry_at": now,
        "entry_actor_kind": by.kind,
        "entry_actor_user_id": by.user_id,
        "entry_actor_label": by.label,
        "entry_request_id": request_id(),
        "entry_changes": orjson.dumps(changes).decode(),
    }


def forget_personal_values(target: models.Model) -> int:
    """Empty the personal values of every entry about this row, for good; how many. The entries stay."""
    about = AuditPersonalValues.objects.filter(
        entry__target_type=target._meta.label_lower, entry__target_id=str(target.pk)
    )
    return about.update(values={})


@contextmanager
def recorded_together() -> Iterator[None]:
    """Write the entries of the block at its end, in one statement (two with personal values); none where it raises.

    For a block in one schema and one transaction, whose entries nobody reads inside it: they have no id before its end.
    """
    waiting: list[_Recorded] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    _write(waiting)


def _write(recorded: Sequence[_Recorded]) -> None:
    insert(*(entry for entry, _personal in recorded))
    insert(
        *(AuditPersonalValues(entry=entry, values=dict(personal)) for entry, personal in recorded if personal)
    )
