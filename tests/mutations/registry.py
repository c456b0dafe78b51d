"""Every mend against a leak, a loss or a double, with the smallest set of tests that must fail without it."""

from __future__ import annotations

from tests.mutations.accounts import ACCOUNTS
from tests.mutations.doors import DOORS
from tests.mutations.factors import FACTORS
from tests.mutations.federation import FEDERATION
from tests.mutations.fleets import FLEETS
from tests.mutations.forms import FORMS
from tests.mutations.fronts import FRONTS
from tests.mutations.hazards import HAZARDS
from tests.mutations.leaks import LEAKS
from tests.mutations.lives import LIVES
from tests.mutations.losses import LOSSES
from tests.mutations.mutation import Mutation
from tests.mutations.pages import PAGES
from tests.mutations.roles import ROLES
from tests.mutations.visits import VISITS
from tests.mutations.watch import WATCH

MUTATIONS: tuple[Mutation, ...] = (
    *LEAKS,
    *LOSSES,
    *DOORS,
    *FORMS,
    *ACCOUNTS,
    *PAGES,
    *FACTORS,
    *FEDERATION,
    *ROLES,
    *LIVES,
    *FLEETS,
    *HAZARDS,
    *FRONTS,
    *VISITS,
    *WATCH,
)

__all__ = ["MUTATIONS", "Mutation"]
