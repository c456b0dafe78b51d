"""The outbox: committed means delivered, rolled back means never sent, and nothing is dropped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import ProgrammingError, connection, transaction

from saas.core import clock
from saas.core.tenancy import current_schema, in_library
from shared_apps.delivery import rules, tasks
from shared_apps.delivery.models import IdempotentAnswer, OutboxMessage
from shared_apps.delivery.services import handles, outbox, publish, purge, relay

delivered: list[tuple[str, dict[str, Any]]] = []
failures: list[Exception] = []


@pytest.fixture(autouse=True)
def _handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # The apps' own handlers first: what registers while the table is replaced would be forgotten with it.
    current_app.loader.import_default_modules()
    monkeypatch.setattr(outbox, "HANDLERS", dict(outbox.HANDLERS))
    delivered.clear()
    failures.clear()

    @handles("tests.event")
    def handle(payload: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        delivered.append((current_schema(), payload))

    yield


def only_message() -> OutboxMessage:
    return OutboxMessage.objects.get(kind="tests.event")


def test_a_message_is_delivered_after_commit_in_its_own_library(
    north: Any, south: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True), in_library(north), transaction.atomic():
        publish(kind="tests.event", payload={"id": 1})
        assert delivered == []
    assert delivered == [("lib_north", {"id": 1})]
    with in_library(north):
        assert only_message().delivered_at is not None
    with in_library(south):
        assert not OutboxMessage.objects.exists()


def test_a_rollback_takes_the_message_with_it(in_north: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                publish(kind="tests.event", payload={"id": 1})
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
    assert delivered == []
    assert not OutboxMessage.objects.exists()


def test_many_messages_wake_one_relay(in_north: Any, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        for number in range(5):
            publish(kind="tests.event", payload={"id": number})
    assert len(callbacks) == 1
    assert relay() == 5
    assert [payload["id"] for _, payload in delivered] == [0, 1, 2, 3, 4]


def test_a_dedupe_key_keeps_the_second_message_out(in_north: Any) -> None:
    for number in range(2):
        publish(kind="tests.event", payload={"id": number}, dedupe_key="once")
    relay()
    assert [payload["id"] for _, payload in delivered] == [0]


def test_a_failure_is_tried_again_later_and_later_then_parked(
    in_north: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(kind="tests.event", payload={"id": 1})
    failures.append(RuntimeError("quotes reader@north.example"))
    assert relay() == 1
    message = only_message()
    assert (message.attempts, message.delivered_at, message.parked_at) == (1, None, None)
    assert message.last_error == "RuntimeError"
    assert message.available_at > clock.now()
    assert relay() == 0
    OutboxMessage.objects.update(available_at=clock.now(), attempts=rules.MAX_ATTEMPTS - 1)
    failures.append(RuntimeError())
    relay()
    assert only_message().parked_at is not None
    OutboxMessage.objects.update(available_at=clock.now())
    assert relay() == 0
    assert delivered == []


def test_a_message_that_failed_once_is_delivered_next_time(in_north: Any) -> None:
    publish(kind="tests.event", payload={"id": 1})
    failures.append(RuntimeError())
    relay()
    OutboxMessage.objects.update(available_at=clock.now())
    relay()
    assert delivered == [("lib_north", {"id": 1})]
    assert only_message().last_error == ""


def test_an_unknown_kind_is_kept_and_a_known_event_without_listeners_is_done(in_north: Any) -> None:
    publish(kind="tests.unheard_of", payload={})
    publish(kind="loan.created", payload={})
    relay()
    assert OutboxMessage.objects.get(kind="tests.unheard_of").last_error == "NoHandler"
    assert OutboxMessage.objects.get(kind="loan.created").delivered_at is not None


def test_a_killed_workers_message_is_taken_up_when_its_lease_ends(in_north: Any) -> None:
    publish(kind="tests.event", payload={"id": 1})
    OutboxMessage.objects.update(leased_until=clock.now() + timedelta(seconds=30), attempts=1)
    assert relay() == 0
    OutboxMessage.objects.update(leased_until=clock.now() - timedelta(seconds=1))
    assert relay() == 1
    assert only_message().attempts == 2


def test_a_message_that_kills_its_worker_each_time_is_parked_in_the_end(in_north: Any) -> None:
    publish(kind="tests.event", payload={"id": 1})
    OutboxMessage.objects.update(leased_until=clock.now(), attempts=rules.MAX_ATTEMPTS)
    relay()
    message = only_message()
    assert delivered == []
    assert (message.delivered_at, message.last_error) == (None, "WorkerLost")
    assert message.parked_at is not None


def test_who_fails_after_its_lease_does_not_disturb_who_has_taken_over(in_north: Any) -> None:
    attempts: list[int] = []

    @handles("tests.slow")
    def slow(payload: dict[str, Any]) -> None:
        attempts.append(len(attempts))
        if len(attempts) == 1:
            OutboxMessage.objects.update(leased_until=clock.now())  # it has run out meanwhile
            relay()
            raise RuntimeError

    publish(kind="tests.slow", payload={})
    OutboxMessage.objects.update(attempts=rules.MAX_ATTEMPTS - 2)
    relay()
    message = OutboxMessage.objects.get(kind="tests.slow")
    assert attempts == [0, 1]
    assert message.delivered_at is not None
    assert (message.parked_at, message.last_error) == (None, "")


def test_two_relays_at_once_deliver_each_message_once(committed_library: Any) -> None:
    with in_library(committed_library):
        for number in range(30):
            OutboxMessage.objects.create(
                kind="tests.event", payload={"id": number}, created_at=clock.now(), available_at=clock.now()
            )
    start = threading.Barrier(3)

    def work() -> None:
        with in_library(committed_library):
            start.wait(timeout=10)
            relay()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(payload["id"] for _, payload in delivered) == list(range(30))


def test_the_sweeper_finds_what_nobody_was_woken_for(
    north: Any, south: Any, django_capture_on_commit_callbacks: Any
) -> None:
    for library in (north, south):
        with in_library(library):
            publish(kind="tests.event", payload={"in": library.subdomain})
    publish(kind="tests.event", payload={"in": "public"})
    connection.run_on_commit.clear()
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert sorted((schema, payload["in"]) for schema, payload in delivered) == [
        ("lib_north", "north"),
        ("lib_south", "south"),
        ("public", "public"),
    ]


def test_the_sweeper_passes_over_a_library_that_cannot_be_read(
    north: Any, south: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    with in_library(south):
        publish(kind="tests.event", payload={})
    connection.run_on_commit.clear()

    def due() -> bool:
        if current_schema() == north.schema_name:
            raise ProgrammingError('relation "delivery_outboxmessage" does not exist')
        return outbox.has_due_messages()

    monkeypatch.setattr(tasks, "has_due_messages", due)
    monkeypatch.setattr(tasks, "open_libraries", lambda: iter([north, south]))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep()
    assert [schema for schema, _ in delivered] == ["lib_south"]


def test_purge_deletes_what_is_old_and_delivered_and_nothing_else(in_north: Any) -> None:
    now = clock.now()
    old = now - rules.KEEP_DELIVERED - timedelta(seconds=1)
    for delivered_at, key in ((old, "old"), (now, "new"), (None, "waiting")):
        OutboxMessage.objects.create(
            kind="tests.event", dedupe_key=key, created_at=old, available_at=old, delivered_at=delivered_at
        )
    for created_at, key in ((now - rules.KEEP_ANSWERS - timedelta(seconds=1), "old"), (now, "new")):
        IdempotentAnswer.objects.create(caller="user:1", key=key, fingerprint="x", created_at=created_at)
    assert purge(now=now) == 2
    assert set(OutboxMessage.objects.values_list("dedupe_key", flat=True)) == {"new", "waiting"}
    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["new"]


def test_retries_wait_longer_up_to_an_hour() -> None:
    waits = [rules.retry_delay(attempt) for attempt in range(1, 40)]
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits == sorted(waits)
    assert max(waits) == rules.LONGEST_RETRY


def test_a_kind_has_one_handler() -> None:
    with pytest.raises(ValueError, match=r"tests\.event"):
        handles("tests.event")(lambda payload: None)
