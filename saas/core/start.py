"""What a process that serves requests does once, before the first one comes."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from django.urls import get_resolver

# Containers more than at the last look before the youngest are looked at again; Python's 700 are a part of one request.
_YOUNG = 10_000


def settle(urlconfs: Iterable[str] = ()) -> None:
    """Load the views of these URL configurations, then leave all that is there out of every later collection.

    Else the first request of each process waits half a second for its imports, and now and then a collection looks at
    everything that is there for good: 140 ms in which no thread answers, against 20.
    """
    for urlconf in urlconfs:
        _ = get_resolver(urlconf).reverse_dict
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
