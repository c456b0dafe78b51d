"""A change of a library in one process is known in all others within a second or so, and a Redis that is away harms nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from saas.core import clock
from saas.core.principals import SYSTEM
from saas.core.tenancy import announcements, hosts
from saas.core.tenancy.announcements import REST_SECONDS, Watch, announce
from saas.core.tenancy.hosts import BLIND_SECONDS, HostCache, library_for_host
from saas.settings.cache import redis_database

PROJECT = Path(__file__).resolve().parents[4]


class Clock:
    """Stands for the module `time`: a monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(announcements, "time", found)
    monkeypatch.setattr(hosts, "time", found)
    return found


@pytest.fixture
def redis_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database that no other test run empties meanwhile."""
    url = redis_database(django_settings.REDIS_URL, 3)
    with Redis.from_url(url) as client:
        monkeypatch.setattr(announcements, "_redis", lambda: client)
        yield url
        client.delete(announcements.key())


def no_redis() -> Any:
    raise RedisAway("nobody there")


# -- the stamp ------------------------------------------------------------------------------------------------------------


def test_a_change_is_seen_once(moments: Clock, redis_of_its_own: str) -> None:
    watch = Watch()
    assert watch.has_changed()  # it has seen nothing yet
    moments.now += 2
    assert not watch.has_changed()
    announce()
    assert not watch.has_changed()  # looked a moment ago
    moments.now += 1.1
    assert watch.has_changed()
    moments.now += 1.1
    assert not watch.has_changed()


def test_redis_is_asked_once_a_second_whatever_the_load(
    moments: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Stub:
        def get(self, _key: str) -> bytes:
            asked.append(moments.now)
            return b"the same"

    monkeypatch.setattr(announcements, "_redis", Stub)
    watch = Watch()
    for _ in range(1000):
        watch.has_changed()
        moments.now += 0.01
    assert 9 <= len(asked) <= 11


def test_who_waits_for_redis_holds_up_nobody(moments: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    answers: list[bool] = []

    class Stub:
        def get(self, _key: str) -> bytes:
            answers.append(watch.has_changed())  # another request, while this one waits
            return b"x"

    monkeypatch.setattr(announcements, "_redis", Stub)
    assert watch.has_changed()
    assert answers == [False]


def test_without_redis_it_is_blind_and_sees_again_later(
    moments: Clock, redis_of_its_own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    watch.has_changed()
    assert not watch.is_blind
    with monkeypatch.context() as patch:
        patch.setattr(announcements, "_redis", no_redis)
        moments.now += 2
        assert not watch.has_changed()
        assert watch.is_blind
    moments.now += REST_SECONDS - 1
    assert not watch.has_changed()
    assert watch.is_blind, "Redis is left alone for a while"
    moments.now += 2
    # What was announced meanwhile may be lost: everything is looked up again.
    assert watch.has_changed()
    assert not watch.is_blind


def test_a_redis_that_was_emptied_is_a_change(moments: Clock, redis_of_its_own: str) -> None:
    announce()
    watch = Watch()
    watch.has_changed()
    announcements._redis().delete(announcements.key())
    moments.now += 2
    assert watch.has_changed()


# -- hosts ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def known(moments: Clock, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that were looked up in the database, with a cache as in production."""
    looked_up: list[str] = []
    monkeypatch.setattr(hosts, "_cache", HostCache(100, 60, 2))
    monkeypatch.setattr(hosts, "watch", Watch())
    monkeypatch.setattr(hosts, "_load", lambda host: looked_up.append(host) or host)
    return looked_up


def test_a_host_is_known_until_a_change_is_told(
    moments: Clock, known: list[str], redis_of_its_own: str
) -> None:
    for _ in range(50):
        library_for_host("north.localhost")
        moments.now += 1
    assert len(known) == 1
    announce()
    moments.now += 1.1
    library_for_host("north.localhost")
    assert len(known) == 2


def test_without_redis_a_host_is_believed_for_seconds_only(
    moments: Clock, known: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library_for_host("north.localhost")
    monkeypatch.setattr(announcements, "_redis", no_redis)
    moments.now += 2
    library_for_host("north.localhost")
    assert len(known) == 1, "a Redis that is away costs no query for each request"
    moments.now += BLIND_SECONDS
    library_for_host("north.localhost")
    assert len(known) == 2


def test_forgetting_fails_for_nobody(known: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    library_for_host("north.localhost")
    monkeypatch.setattr(announcements, "_redis", no_redis)
    hosts.forget_hosts()
    library_for_host("north.localhost")
    assert len(known) == 2


# -- two processes ------------------------------------------------------------------------------------------------------------

_OTHER = """
import sys, django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = {database!r}
settings.DATABASES["owner"]["NAME"] = {database!r}
settings.CACHES["default"]["LOCATION"] = {redis!r}
settings.LIBRARY_HOST_CACHE_SECONDS, settings.LIBRARY_HOST_MISS_CACHE_SECONDS = 3600, 3600
from saas.core.tenancy.hosts import library_for_host
for line in sys.stdin:
    print(library_for_host(line.strip()).status, flush=True)
"""


@pytest.fixture
def other_process(committed_library: Any, redis_of_its_own: str) -> Iterator[subprocess.Popen[str]]:
    """A process that answers a host with its library's status, and would believe it for an hour."""
    code = _OTHER.format(database=connection.settings_dict["NAME"], redis=redis_of_its_own)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "saas.settings.test"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def status_there(process: subprocess.Popen[str], host: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{host}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.mark.slow
def test_another_process_follows_by_itself(
    committed_library: Any, other_process: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared_apps.delivery.services.waking import broker
    from shared_apps.tenants.services.lifecycle import resume_library, suspend_library

    # Nobody delivers the outbox, which would tell it as well, later.
    monkeypatch.setattr(broker, "send", lambda message, schema: None)
    host = f"{committed_library.subdomain}.localhost"
    assert status_there(other_process, host) == "active"
    # Until somebody tells, it believes what it knows: without this the test would prove nothing.
    _set_silently(committed_library, "past_due")
    time.sleep(1.2)
    assert status_there(other_process, host) == "active"
    _set_silently(committed_library, "active")
    for change, expected in ((suspend_library, "suspended"), (resume_library, "active")):
        change(library_id=committed_library.id, reason="", by=SYSTEM, now=clock.now())
        began = time.monotonic()
        while status_there(other_process, host) != expected:
            # (a second or two; it would believe what it knows for an hour)
            assert time.monotonic() - began < 30, f"the other process does not learn that it is {expected}"
            time.sleep(0.05)


def _set_silently(library: Any, status: str) -> None:
    from shared_apps.tenants.models import Library

    Library.objects.filter(pk=library.id).update(status=status)
