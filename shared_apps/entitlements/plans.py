"""The plans, as code: reviewed, versioned, the same in every process. Prices are list prices without tax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Interval = Literal["monthly", "yearly"]
TRIAL_DAYS = 30
GIB = 1024**3
DEFAULT_PLAN = "free"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan allows at most. `requests_per_minute` holds for the whole library."""

    titles: int
    patrons: int
    staff: int
    branches: int
    storage_bytes: int
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a library can subscribe to. `prices` is by ISO 4217 currency, then by interval."""

    code: str
    name: str | Promise
    summary: str | Promise
    limits: Limits
    prices: Mapping[str, Mapping[Interval, Decimal]]
    trial_days: int

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever charged for it."""
        return not any(amount for by_interval in self.prices.values() for amount in by_interval.values())


def _prices(eur: tuple[str, str], usd: tuple[str, str]) -> Mapping[str, Mapping[Interval, Decimal]]:
    """Monthly and yearly price in each currency. Yearly costs ten months."""

    def both(amounts: tuple[str, str]) -> Mapping[Interval, Decimal]:
        monthly, yearly = amounts
        return MappingProxyType({"monthly": Decimal(monthly), "yearly": Decimal(yearly)})

    return MappingProxyType({"EUR": both(eur), "USD": both(usd)})


PLANS: tuple[Plan, ...] = (
    Plan(
        code="free",
        name=_("Free"),
        summary=_("A school, parish or reading-room shelf."),
        limits=Limits(
            titles=2_000, patrons=200, staff=2, branches=1, storage_bytes=GIB, requests_per_minute=1_200
        ),
        prices=_prices(("0.00", "0.00"), ("0.00", "0.00")),
        trial_days=0,
    ),
    Plan(
        code="starter",
        name=_("Starter"),
        summary=_("A town library with one or two branches."),
        limits=Limits(
            titles=25_000,
            patrons=5_000,
            staff=10,
            branches=2,
            storage_bytes=10 * GIB,
            requests_per_minute=3_000,
        ),
        prices=_prices(("39.00", "390.00"), ("45.00", "450.00")),
        trial_days=TRIAL_DAYS,
    ),
    Plan(
        code="pro",
        name=_("Pro"),
        summary=_("A city or college library with several branches."),
        limits=Limits(
            titles=250_000,
            patrons=60_000,
            staff=60,
            branches=15,
            storage_bytes=100 * GIB,
            requests_per_minute=6_000,
        ),
        prices=_prices(("149.00", "1490.00"), ("165.00", "1650.00")),
        trial_days=TRIAL_DAYS,
    ),
    Plan(
        code="consortium",
        name=_("Consortium"),
        summary=_("A county, a university or a network of libraries."),
        limits=Limits(
            titles=5_000_000,
            patrons=2_000_000,
            staff=1_000,
            branches=400,
            storage_bytes=2_048 * GIB,
            requests_per_minute=30_000,
        ),
        prices=_prices(("690.00", "6900.00"), ("760.00", "7600.00")),
        trial_days=TRIAL_DAYS,
    ),
)
