"""A broker that is away loses nothing, refuses nobody, and keeps nobody waiting twice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from saas.core.logging import start_log_context
from saas.core.tenancy import LibraryContext, in_library
from shared_apps.delivery import tasks
from shared_apps.delivery.models import OutboxMessage
from shared_apps.delivery.services import publish, waking
from shared_apps.delivery.services.waking import REST_SECONDS, Broker, Waker

TIMEOUT = 20


class Line:
    """The way to the broker: counts what is sent and fails as the test says."""

    def __init__(self) -> None:
        self.tried = 0
        self.error: Exception | None = None

    def wake(self, _library: LibraryContext | None, _request: str = "") -> None:
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


def test_an_outage_is_logged_once_and_its_end(clock: Clock) -> None:
    broker = Broker()

    def fail() -> None:
        raise OperationalError

    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            broker.send(fail, schema="public")
            clock.now += REST_SECONDS
        broker.send(lambda: None, schema="public")
        broker.send(lambda: None, schema="public")

    assert [line["event"] for line in lines] == ["outbox.wake_failed", "outbox.wake_works_again"]


# -- the thread -------------------------------------------------------------------------------------------------------


class Sent:
    """What a waker's thread has sent; `gate` holds it back."""

    def __init__(self) -> None:
        self.calls: list[tuple[LibraryContext | None, str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, library: LibraryContext | None, request: str) -> None:
        assert self.gate.wait(TIMEOUT)
        self.calls.append((library, request))
        if self.error is not None:
            raise self.error


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it never happened"
        threading.Event().wait(0.01)


def test_many_commits_wake_a_library_once_and_each_library_for_itself(north: Any, south: Any) -> None:
    sent = Sent()
    sent.gate.clear()
    waker = Waker(sent, pause=0.2)
    for _ in range(50):
        for library in (north, south, None):
            waker.wake(library)  # nobody waits, although the broker does not answer
    sent.gate.set()

    until(lambda: {library for library, _ in sent.calls} == {north, south, None})
    threading.Event().wait(0.5)

    # Once when they were first asked for, and once for those who asked meanwhile.
    assert len(sent.calls) <= 6


def test_a_later_commit_wakes_again(north: Any) -> None:
    sent = Sent()
    waker = Waker(sent, pause=0)
    waker.wake(north)
    until(lambda: len(sent.calls) == 1)
    start_log_context("request-12345678")
    waker.wake(north)
    until(lambda: len(sent.calls) == 2)
    assert sent.calls[1] == (north, "request-12345678")


def test_a_fault_of_ours_in_the_thread_costs_one_wake_up(north: Any) -> None:
    sent = Sent()
    sent.error = ZeroDivisionError()
    waker = Waker(sent, pause=0)
    waker.wake(north)
    until(lambda: len(sent.calls) == 1)
    sent.error = None
    waker.wake(north)
    until(lambda: len(sent.calls) == 2)


def test_the_thread_asks_the_database_nothing(
    north: Any, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    """It has no connection of its own, and opens none."""
    monkeypatch.undo()
    headers: list[dict[str, str]] = []
    task = current_app.tasks[tasks.relay_library.name]
    monkeypatch.setattr(task, "apply_async", lambda **how: headers.append(how["headers"]))
    opened: list[bool] = []

    def work() -> None:
        waking._send(north, "request-12345678")
        opened.append(connection.connection is not None)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(TIMEOUT)

    assert opened == [False]
    assert headers == [
        {"libraryhub_library": str(north.id), "libraryhub_request_id": "request-12345678"},
    ]


def test_a_request_leaves_the_broker_to_the_thread(
    north: Any, publish_one: Any, monkeypatch: pytest.MonkeyPatch, line: Line
) -> None:
    asked: list[LibraryContext | None] = []
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    monkeypatch.setattr(waking.waker, "wake", asked.append)
    publish_one()
    assert (asked, line.tried) == ([north], 0)


def in_a_child(act: Callable[[], None]) -> int:
    """Run it in a forked process; how that ended. Its connections are its own."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(3)
    return os.waitpid(child, 0)[1]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_has_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent()
    waker = Waker(sent, pause=0)
    monkeypatch.setattr(waking, "waker", waker)
    waker.wake(None)
    until(lambda: len(sent.calls) == 1)  # the parent's thread runs

    def act() -> None:
        signal.alarm(TIMEOUT)
        waking.waker.wake(None)
        until(lambda: len(sent.calls) == 2)
        os._exit(0)

    with waker._is_asked:  # another thread of the parent is at it: in the child nobody would ever let go
        assert in_a_child(act) == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_process_killed_between_commit_and_wake_up_loses_nothing(
    committed_library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    monkeypatch.setattr(waking.waker, "wake", lambda _library: os.kill(os.getpid(), signal.SIGKILL))

    def act() -> None:
        with in_library(committed_library), transaction.atomic():
            publish(kind="loan.created", payload={"loan": 1})

    assert os.WTERMSIG(in_a_child(act)) == signal.SIGKILL
    monkeypatch.undo()
    with in_library(committed_library):
        message = OutboxMessage.objects.get(kind="loan.created")
        assert message.delivered_at is None
    tasks.sweep()
    with in_library(committed_library):
        message.refresh_from_db()
        assert message.delivered_at is not None
