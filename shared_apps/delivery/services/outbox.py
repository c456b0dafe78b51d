"""The transactional outbox: what must not get lost is a row of the same transaction, delivered after its commit.

Delivery is at least once, oldest first. A message is leased before its handler runs, so a worker that is killed in
the middle leaves it to the next one when the lease ends; a handler may therefore run twice, and one that is slower
than its lease at the same time as itself. A failed message waits longer each time and is set aside (parked) after
MAX_ATTEMPTS, never dropped; so is one that kills its worker each time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import Q
from psycopg import sql

from saas.core import clock
from saas.core.db.inserts import insert
from saas.core.writes import Part, inserting
from shared_apps.delivery import rules
from shared_apps.delivery.models import IdempotentAnswer, OutboxMessage
from shared_apps.delivery.services.waking import wake_after_commit

log = structlog.get_logger(__name__)
Handler = Callable[[dict[str, Any]], None]
HANDLERS: dict[str, Handler] = {}


class NoHandler(LookupError):
    """A message of a kind that no app handles."""


class WorkerLost(RuntimeError):
    """A message whose worker has died in every attempt, so that no failure could be noted."""


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the handler of a message kind; used in the `tasks` module of an app.

    The handler gets the payload, runs in the schema that published it, and may run more than once.
    """

    def register(handler: Handler) -> Handler:
        if HANDLERS.get(kind, handler) is not handler:
            raise ValueError(f"{kind} has a handler already")
        HANDLERS[kind] = handler
        return handler

    return register


def publish(
    *,
    kind: str,
    payload: dict[str, Any],
    dedupe_key: str | None = None,
    now: datetime | None = None,
) -> None:
    """Write a message in the caller's transaction; after commit a worker is woken, and a sweeper is behind it.

    `payload` identifies rows by id and holds no personal data. A second message with the same `dedupe_key` is left out.
    """
    moment = now or clock.now()
    message = OutboxMessage(
        kind=kind,
        payload=payload,
        dedupe_key=dedupe_key,
        created_at=moment,
        available_at=moment,
    )
    insert(message, skip_taken=dedupe_key is not None)
    wake_after_commit()


def message_part(*, kind: str, of: str, member: str) -> Part:
    """A message as a part, named `message`, of a statement that writes what it tells of (saas.core.writes).

    Its payload is `{member: id}` with the `id` that the part `of` returns, its dedupe key `KIND:ID`; it is written only
    where there is such a row. Its values come from `message_values`. After the commit a worker is woken.
    """
    row = sql.SQL("{}.id").format(sql.Identifier(of))
    computed = {
        "kind": sql.Literal(kind),
        "payload": sql.SQL("jsonb_build_object({}::text, {})").format(sql.Literal(member), row),
        "dedupe_key": sql.SQL("{}::text || {}").format(sql.Literal(f"{kind}:"), row),
    }
    return inserting(
        "message",
        OutboxMessage,
        values={"created_at": "message_at", "available_at": "message_at"},
        computed=computed,
        of=of,
        ending="ON CONFLICT DO NOTHING",
        after=wake_after_commit,
    )


def message_values(*, now: datetime) -> dict[str, Any]:
    """The values of `message_part`."""
    return {"message_at": now}


def relay(*, limit: int = 1_000) -> int:
    """Deliver the due messages of the current schema, at most `limit`; the number of messages that were handled."""
    current_app.loader.import_default_modules()
    handled = 0
    while handled < limit and (message := _claim()) is not None:
        _deliver(message)
        handled += 1
    return handled


def has_due_messages() -> bool:
    """Whether the current schema has a message to deliver now."""
    return bool(_due(clock.now()).exists())


def _due(now: datetime) -> Any:
    return OutboxMessage.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        delivered_at=None,
        parked_at=None,
        available_at__lte=now,
    )


def _claim() -> OutboxMessage | None:
    now = clock.now()
    with transaction.atomic():
        message: OutboxMessage | None = (
            _due(now).select_for_update(skip_locked=True).order_by("available_at", "id").first()
        )
        if message is not None:
            message.leased_until = now + rules.LEASE
            message.attempts += 1
            message.save(update_fields=["leased_until", "attempts"])
    return message


def _deliver(message: OutboxMessage) -> None:
    try:
        if message.attempts > rules.MAX_ATTEMPTS:
            raise WorkerLost(message.kind)
        _handler_of(message.kind)(message.payload)
    except Exception as error:
        # Any failure of a handler, ours or a neighbour's, must leave the message for another attempt.
        log.exception(
            "outbox.handler_failed",
            kind=message.kind,
            message_id=message.pk,
            attempts=message.attempts,
        )
        _put_back(message, error)
        return
    OutboxMessage.objects.filter(pk=message.pk).update(
        delivered_at=clock.now(), leased_until=None, last_error=""
    )


def _handler_of(kind: str) -> Handler:
    handler = HANDLERS.get(kind)
    if handler is not None:
        return handler
    if kind in rules.EVENTS_WITHOUT_HANDLER:
        return lambda payload: None
    raise NoHandler(kind)


def _put_back(message: OutboxMessage, error: Exception) -> None:
    now = clock.now()
    # Only while the lease is ours: who was slower than it must not undo what another worker is doing or has done.
    held = OutboxMessage.objects.filter(pk=message.pk, attempts=message.attempts, delivered_at=None)
    held.update(
        leased_until=None,
        available_at=now + rules.retry_delay(message.attempts),
        parked_at=now if message.attempts >= rules.MAX_ATTEMPTS else None,
        # The type alone: messages of exceptions quote addresses and names.
        last_error=type(error).__name__,
    )


def purge(*, now: datetime) -> int:
    """Delete delivered messages and stored answers of the current schema that are past their time; how many."""
    messages, _ = OutboxMessage.objects.filter(delivered_at__lt=now - rules.KEEP_DELIVERED).delete()
    answers, _ = IdempotentAnswer.objects.filter(created_at__lt=now - rules.KEEP_ANSWERS).delete()
    return messages + answers
