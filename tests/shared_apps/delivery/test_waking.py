"""A broker that is away loses nothing, refuses nobody, and keeps nobody waiting twice."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from saas.core.tenancy import LibraryContext
from shared_apps.delivery import tasks
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import publish, waking
from shared_apps.delivery.services.waking import REST_SECONDS, Broker


class Line:
    """The way to the broker: counts what is sent and fails as the test says."""

    def __init__(self) -> None:
        self.tried = 0
        self.error: Exception | None = None

    def wake(self, _library: LibraryContext | None) -> None:
        self.tried += 1
        if self.error is not None:
            raise self.error


class Clock:
    """What `time.monotonic` says."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    line = Line()
    monkeypatch.setattr(tasks, "wake", line.wake)
    monkeypatch.setattr(waking, "broker", Broker())
    return line


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waking, "time", clock)
    return clock


@pytest.fixture
def publish_one(in_north: Any, django_capture_on_commit_callbacks: Any) -> Any:
    """Publishes a message and commits."""
    numbers = itertools.count()

    def act() -> None:
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            publish(kind="tests.event", payload={"id": next(numbers)})
        connection.run_on_commit.clear()  # a real commit would

    return act


@pytest.mark.parametrize("error", [OperationalError("no route to redis.internal"), RedisError()])
def test_a_broker_that_is_away_loses_nothing_and_refuses_nobody(
    line: Line, publish_one: Any, error: Exception
) -> None:
    line.error = error
    publish_one()
    message = OutboxMessage.objects.get(kind="tests.event")
    assert (line.tried, message.delivered_at, message.attempts) == (1, None, 0)


def test_a_fault_of_ours_is_not_taken_for_the_brokers(line: Line, publish_one: Any) -> None:
    line.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        publish_one()


def test_after_a_failure_nobody_waits_again_until_the_rest_is_over(
    line: Line, clock: Clock, publish_one: Any
) -> None:
    line.error = OperationalError()
    for _ in range(3):
        publish_one()
    assert line.tried == 1
    clock.now += REST_SECONDS
    line.error = None
    publish_one()
    publish_one()
    assert line.tried == 3
    assert OutboxMessage.objects.filter(kind="tests.event").count() == 5


def test_only_one_thread_finds_out_whether_it_is_back(line: Line, clock: Clock) -> None:
    broker = Broker()
    asked: list[str] = []

    def fail() -> None:
        raise OperationalError

    broker.send(fail, schema="public")
    clock.now += REST_SECONDS

    def wait_for_it() -> None:
        asked.append("first")
        broker.send(lambda: asked.append("second"), schema="public")  # another thread, meanwhile

    broker.send(wait_for_it, schema="public")
    assert asked == ["first"]
    broker.send(lambda: asked.append("third"), schema="public")
    assert asked == ["first", "third"]
