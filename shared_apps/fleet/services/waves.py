"""The order in which a group's libraries take their step: canaries, a small wave, all the others.

A step that is wrong for everybody stops at its canaries, the first of which is a spare where there is one; a step that
is wrong for real rows alone stops at the first wave. A library that fails by itself stops nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime

from shared_apps.fleet.services.applying import Applier, Outcome, Patience, Result, Step

CANARIES = 3
FIRST_WAVE = 10

Report = Callable[[Result], None]


class Waves:
    """Workers that apply steps, each with a connection of its own; use it as a context."""

    def __init__(self, *, parallel: int, patience: Patience, clock: Callable[[], datetime]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="fleet")
        self._patience, self._clock = patience, clock
        self._own = threading.local()
        self._appliers: list[Applier] = []

    def __enter__(self) -> Waves:
        return self

    def __exit__(self, *exc_info: object) -> None:
        # Ctrl-C: those that have begun end, the others are not begun.
        self._pool.shutdown(wait=True, cancel_futures=True)
        for applier in self._appliers:
            applier.close()

    def try_on(self, step: Step, schema: str) -> Result:
        """Apply the step to one schema."""
        return self._pool.submit(self._one, step, schema).result()

    def run(self, step: Step, schemas: Sequence[str], report: Report, *, canaries: int | None) -> list[str]:
        """Apply the step to each schema; the schemas that were not tried in the end.

        The first `canaries` go one by one until one of them has made it; with None all go at once.
        """
        waiting = list(schemas)
        if canaries is not None:
            if not self._canaries(step, waiting, report, canaries):
                return waiting
            wave, waiting = waiting[:FIRST_WAVE], waiting[FIRST_WAVE:]
            if not self._wave(step, wave, report):
                return waiting
        self._wave(step, waiting, report)
        return []

    def _canaries(self, step: Step, waiting: list[str], report: Report, most: int) -> bool:
        """Take schemas from `waiting` one by one until one has made it; whether one has, or nothing speaks against."""
        failed = 0
        while waiting and failed < most:
            (result,) = self._apply(step, [waiting.pop(0)], report)
            if result.outcome is not Outcome.FAILED:
                return True
            failed += not result.transient
        return failed < most or not most

    def _wave(self, step: Step, wave: list[str], report: Report) -> bool:
        """Whether the next wave may follow: not after one in which every library was refused."""
        results = self._apply(step, wave, report)
        refused = [result for result in results if result.outcome is Outcome.FAILED and not result.transient]
        return not results or len(refused) < len(results)

    def _apply(self, step: Step, schemas: Iterable[str], report: Report) -> list[Result]:
        results = []
        for future in as_completed([self._pool.submit(self._one, step, schema) for schema in schemas]):
            results.append(future.result())
            report(results[-1])
        return results

    def _one(self, step: Step, schema: str) -> Result:
        applier = getattr(self._own, "applier", None)
        if applier is None:
            applier = self._own.applier = Applier(self._patience, self._clock)
            self._appliers.append(applier)
        return applier.apply(step, schema)
