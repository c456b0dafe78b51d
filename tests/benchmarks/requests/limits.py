"""Rate limits that a run cannot reach; what it costs to look them up and to count is measured all the same."""

from __future__ import annotations

from shared_apps.entitlements.selectors import rate_limit_of_policy

OUT_OF_REACH = 10_000_000


def resolve(policy: str, schema: str) -> tuple[int, int] | None:
    """The product's answer with its window, and no end of requests in it."""
    numbers = rate_limit_of_policy(policy, schema)
    return None if numbers is None else (OUT_OF_REACH, numbers[1])
