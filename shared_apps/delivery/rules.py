"""Delivery's numbers: how long a lease lasts, when a message is tried again, when it is set aside."""

from __future__ import annotations

from datetime import timedelta

LEASE = timedelta(seconds=120)
FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=1)
MAX_ATTEMPTS = 15
KEEP_DELIVERED = timedelta(days=7)
KEEP_ANSWERS = timedelta(hours=24)
MAX_KEY_LENGTH = 255

# Domain events that nobody listens to yet. A kind that is neither here nor handled is a fault, and is not dropped.
EVENTS_WITHOUT_HANDLER = frozenset({"loan.created", "loan.returned", "import.finished"})


def retry_delay(attempts: int) -> timedelta:
    """Waiting time after the n-th failed attempt (n from 1): doubles from 5 seconds up to an hour."""
    doublings: int = min(attempts - 1, 20)
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
