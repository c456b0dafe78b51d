"""Readers and writers at work in the libraries while something else is measured; every request of theirs counts.

Runs in the product's process and on its backend: a reader asks the measured view through the whole of Django, a
writer adds a title or changes one in a transaction of its own.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

READERS, WRITERS = 2, 2
# A steady stream and not a flood: what is measured shares two cores with it.
PAUSE = 0.02
_KEPT = 5


@dataclass
class _Work:
    """What the threads did, each under the lock."""

    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    threads: list[threading.Thread] = field(default_factory=list)


_work = _Work()


def start(subdomains: Sequence[str]) -> int:
    """Begin, in these libraries; returns the number of threads."""
    global _work
    _work = _Work()
    libraries = [_library(name) for name in subdomains]
    for number in range(READERS + WRITERS):
        once = _read if number < READERS else _write
        chance = random.Random(number)  # noqa: S311 - chance, not a secret
        thread = threading.Thread(target=_repeat, args=[_work, once, libraries, chance])
        thread.start()
        _work.threads.append(thread)
    return len(_work.threads)


def stop() -> dict[str, Any]:
    """End, and say how many requests there were, how many failed (with the first few), and the slowest in seconds."""
    _work.stop.set()
    for thread in _work.threads:
        thread.join()
    return {
        "requests": _work.requests,
        "failed": len(_work.failures),
        "failures": _work.failures[:_KEPT],
        "slowest": _work.slowest,
    }


def _library(subdomain: str) -> Any:
    from shared_apps.tenants.selectors import find_library_by_subdomain

    found = find_library_by_subdomain(subdomain)
    if found is None:
        raise LookupError(f"there is no library {subdomain}")
    return found


def _repeat(
    work: _Work, once: Callable[[Any, random.Random], None], libraries: Sequence[Any], chance: random.Random
) -> None:
    from django.db import connections

    while not work.stop.is_set():
        started, failure = time.perf_counter(), ""
        try:
            once(chance.choice(libraries), chance)
        except Exception as error:  # noqa: BLE001 - a failed request is what is counted here
            failure = f"{type(error).__name__}: {error}"
        taken = time.perf_counter() - started
        with work.lock:
            work.requests += 1
            work.slowest = max(work.slowest, taken)
            if failure:
                work.failures.append(failure)
        work.stop.wait(PAUSE)
    connections.close_all()


def _read(library: Any, _chance: random.Random) -> None:
    from tests.benchmarks.tenancy import calls

    calls.bodies([f"{library.subdomain}.localhost"])


def _write(library: Any, chance: random.Random) -> None:
    from django.db import transaction

    from saas.core.tenancy import in_library
    from tenant_apps.catalog.models import Title
    from tests.benchmarks.tenancy.ours import a_title

    with in_library(library), transaction.atomic():
        last = Title.objects.order_by("-pk").first()
        if last is None or chance.random() < 0.5:
            a_title(chance.randrange(10**9)).save()
        else:
            last.summary = f"changed {chance.random()}"
            last.save(update_fields=["summary"])
