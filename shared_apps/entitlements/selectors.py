"""Reading plans. Works in every schema: plans are code, not rows."""

from __future__ import annotations

from saas.core.tenancy import current_library_or_none
from shared_apps.entitlements.errors import UnknownPlan
from shared_apps.entitlements.plans import DEFAULT_PLAN, PLANS, TRIAL_DAYS, Interval, Limits, Plan

__all__ = [
    "DEFAULT_PLAN",
    "TRIAL_DAYS",
    "Interval",
    "Limits",
    "Plan",
    "all_plans",
    "first_status",
    "plan",
    "plan_codes",
    "rate_limit",
    "rate_limit_of_policy",
]
# The part of a library's requests that guests together, or one key alone, can use up at most: half, so that neither
# keeps its people from working.
_SHARES = {"library": 1, "library-guests": 2, "key": 2}
_BY_CODE = {offered.code: offered for offered in PLANS}


def all_plans() -> tuple[Plan, ...]:
    """Every plan on offer, the smallest first."""
    return PLANS


def plan_codes() -> tuple[str, ...]:
    """The codes of all plans, the smallest first."""
    return tuple(_BY_CODE)


def plan(code: str) -> Plan:
    """The plan with this code. Raises UnknownPlan."""
    try:
        return _BY_CODE[code]
    except KeyError as error:
        raise UnknownPlan from error


def first_status(code: str) -> str:
    """Status of a new library: `trialing` on a paid plan, `active` on a free one. Raises UnknownPlan."""
    return "active" if plan(code).is_free else "trialing"


def rate_limit_of_policy(policy: str, schema: str) -> tuple[int, int] | None:
    """RATE_LIMIT_RESOLVER: the plan's own numbers for the policies that it has a say in; None for the others."""
    library = current_library_or_none()
    if policy not in _SHARES or library is None or library.schema_name != schema:
        return None
    # A plan made for one library alone has the default numbers of the settings.
    return rate_limit(library.plan, policy) if library.plan in _BY_CODE else None


def rate_limit(code: str, policy: str = "library") -> tuple[int, int]:
    """(requests, seconds) that a library of this plan may send in all, its guests together, or one key.

    Raises UnknownPlan.
    """
    return plan(code).limits.requests_per_minute // _SHARES[policy], 60
