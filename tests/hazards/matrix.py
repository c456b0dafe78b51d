"""Twelve threads, eight libraries, every disturbance with every way of reading."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from saas.core.tenancy import LibraryContext, in_library
from tests.hazards.disturbances import DISTURBANCES, Disturbance, name_of
from tests.hazards.readings import READINGS, Reading
from tests.hazards.scene import Scene
from tests.hazards.visits import Switch, Tally, Visit, Watched

THREADS = 12
_ATTEMPTS = 20
_SECONDS = 300
_serials = itertools.count()


@dataclass(frozen=True)
class Arrangement:
    """How the threads reach the libraries: the class of their connections, and Django's description of the database.

    `returns_connections`: a thread gives its connection back after each visit, as a request does with Django's pool.
    """

    scene: Scene
    backend: type[Any]
    settings: dict[str, Any]
    switch: Switch = in_library
    returns_connections: bool = False
    disturbances: tuple[Disturbance, ...] = DISTURBANCES
    readings: tuple[Reading, ...] = READINGS

    def combinations(self) -> list[tuple[Disturbance, Reading, LibraryContext]]:
        """Every disturbance with every way of reading in every library."""
        return list(itertools.product(self.disturbances, self.readings, self.scene.libraries))


def run(arrangement: Arrangement, *, share: int) -> Tally:
    """Let the threads make their visits; each combination is had by THREADS / `share` of them.

    Returns the sum of what they saw, and the rows that then lie in a schema which they do not name.
    """
    arrangement.scene.tidy()
    start = threading.Barrier(THREADS, timeout=30)
    # With pools of its own: Django keeps them on the class, by the alias.
    backend: Any = type("WatchedBackend", (Watched, arrangement.backend), {"_connection_pools": {}})
    visitors = [Visitor(number, arrangement, backend, share, start) for number in range(THREADS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(timeout=_SECONDS)
    for pool in backend._connection_pools.values():
        pool.close()
    total = Tally()
    for visitor in visitors:
        total.add(visitor.tally)
        if visitor.is_alive():
            total.failed.append(f"{visitor.name} has not come to an end")
    total.strays = arrangement.scene.strays()
    return total


@contextmanager
def connected(arrangement: Arrangement) -> Iterator[Any]:
    """This thread's `connections["default"]`, for the time of the block, is one to the scene."""
    before = connections["default"]
    connections["default"] = wrapper = arrangement.backend(arrangement.settings, "default")
    try:
        yield wrapper
    finally:
        wrapper.close()
        connections["default"] = before


@dataclass
class Visitor(threading.Thread):
    """One thread with a connection of its own, which makes its share of the visits in an order of its own."""

    number: int
    arrangement: Arrangement
    backend: type[Any]
    share: int
    barrier: threading.Barrier
    tally: Tally = field(default_factory=Tally)

    __hash__ = threading.Thread.__hash__

    def __post_init__(self) -> None:
        super().__init__(name=f"visitor {self.number}", daemon=True)

    def run(self) -> None:
        connections["default"] = wrapper = self.backend(self.arrangement.settings, "default")
        # Seeded by its number: a failure can be had again.
        order = random.Random(self.number)  # noqa: S311
        mine = self.arrangement.combinations()[self.number % self.share :: self.share]
        order.shuffle(mine)
        try:
            with self.arrangement.scene.administrator() as administrator:
                self.barrier.wait()
                for disturbance, reading, library in mine:
                    other = order.choice([one for one in self.arrangement.scene.libraries if one != library])
                    self.visit(disturbance, reading, library, other, _ender(administrator))
                    if self.arrangement.returns_connections:
                        wrapper.close()
        except Exception as error:  # noqa: BLE001  a thread that dies is a failure of the run
            self.tally.failed.append(f"{self.name}: {error!r}")
        finally:
            wrapper.close()

    def visit(
        self,
        disturbance: Disturbance,
        reading: Reading,
        library: LibraryContext,
        other: LibraryContext,
        end_session: Callable[[int], None],
    ) -> None:
        """One visit; begun again where another thread has had the server connection ended that it was using."""
        label = f"{name_of(disturbance)}, {name_of(reading)}"
        for _attempt in range(_ATTEMPTS):
            serial = f"{self.number}-{next(_serials)}"
            wrapper, dead_before = connections["default"], connections["default"].found_dead
            visit = Visit(library, other, serial, self.tally, self.arrangement.switch, end_session, label)
            try:
                disturbance(visit, reading)
            except Exception as error:  # noqa: BLE001  whatever it is, the other visits go on
                wrapper.close()
                if wrapper.found_dead > dead_before:
                    self.tally.lost += 1
                    continue
                self.tally.failed.append(f"{label}: {error!r}")
            return
        self.tally.failed.append(f"{label}: lost {_ATTEMPTS} times")


def _ender(administrator: Any) -> Callable[[int], None]:
    def end(pid: int) -> None:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    return end
