"""The pool is filled to its size, by one at a time, and emptied of what is old."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shared_apps.delivery.services import outbox
from shared_apps.fleet import tasks
from shared_apps.fleet.models import LibrarySchema, Release, SchemaState
from shared_apps.fleet.services import current_key, current_release, make_schema, refill_spares
from shared_apps.fleet.services.locks import FleetLock, held
from tests.shared_apps.fleet.services.deploys import Fleet

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fleet")]


def states() -> dict[str, str]:
    return dict(LibrarySchema.objects.values_list("name", "state"))


def test_missing_spares_are_made_and_no_more(settings: Any) -> None:
    settings.SPARE_LIBRARIES = 2
    taken, spare = make_schema(state=SchemaState.TAKEN), make_schema()
    assert refill_spares() == 1
    assert refill_spares() == 0
    found = states()
    assert found.pop(taken) == SchemaState.TAKEN
    assert spare in found
    assert list(found.values()) == [SchemaState.SPARE] * 2


def test_a_pool_that_is_too_large_is_left_to_be_used_up(settings: Any) -> None:
    settings.SPARE_LIBRARIES = 1
    names = {make_schema(), make_schema()}
    assert refill_spares() == 0
    assert set(states()) == names


def test_refills_at_once_do_not_overshoot(settings: Any) -> None:
    settings.SPARE_LIBRARIES = 3
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.append(refill_spares())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(made) == 3
    assert list(states().values()) == [SchemaState.SPARE] * 3


def test_while_another_process_is_at_it_nothing_happens(settings: Any) -> None:
    settings.SPARE_LIBRARIES = 1
    with held(FleetLock.SPARES, wait=True):
        assert refill_spares() == 0
    assert states() == {}
    assert refill_spares() == 1


def test_spares_of_earlier_releases_are_dropped_and_of_later_ones_kept(fleet: Fleet, settings: Any) -> None:
    settings.SPARE_LIBRARIES = 1
    current = current_release()
    earlier, later, unknown = (make_schema() for _ in range(3))
    taken = make_schema(state=SchemaState.TAKEN)
    for name, key, days in ((earlier, "earlier", -1), (taken, "earlier", -1), (later, "later", 1)):
        moment = current.created_at + timedelta(days=days)
        empty = {"migrations": [], "script": "", "fingerprint": "", "shape": "", "server": current.server}
        Release.objects.update_or_create(key=key, defaults={**empty, "created_at": moment})
        LibrarySchema.objects.filter(pk=name).update(release=key)
    LibrarySchema.objects.filter(pk=unknown).update(release="unknown")
    try:
        assert refill_spares() == 1
        found = states()
        assert {taken, later} < set(found)
        assert not {earlier, unknown} & set(found)
        (new,) = set(found) - {taken, later}
        assert LibrarySchema.objects.get(pk=new).release == current_key()
    finally:
        Release.objects.filter(key__in=["earlier", "later"]).delete()


def test_what_a_killed_maker_left_is_dropped_when_nobody_can_be_at_it_any_more() -> None:
    names = [make_schema(), make_schema()]
    LibrarySchema.objects.update(state=SchemaState.UNFINISHED)
    LibrarySchema.objects.filter(pk=names[0]).update(made_at=timezone.now() - timedelta(hours=2))
    refill_spares()
    assert states() == {names[1]: SchemaState.UNFINISHED}


def test_a_library_that_was_made_has_its_spare_replaced(settings: Any) -> None:
    settings.SPARE_LIBRARIES = 1
    assert outbox.HANDLERS["library.created"] is tasks.on_library_created
    outbox.publish(kind="library.created", payload={"library_id": "1"})
    assert list(states().values()) == [SchemaState.SPARE]


def test_the_pool_is_looked_at_every_minute(settings: Any) -> None:
    entry = settings.CELERY_BEAT_SCHEDULE["fleet.refill_spares"]
    assert (entry["task"], entry["schedule"]) == (tasks.refill_spares.name, 60.0)
