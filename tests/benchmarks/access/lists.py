"""The same page of loans, asked for in three ways (README.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db.models import QuerySet
from guardian.shortcuts import get_objects_for_user

from saas.core.principals import Principal
from shared_apps.accounts.models import User
from tenant_apps.access.selectors import load_principal
from tenant_apps.branches.models import Branch
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.selectors import loans_visible_to, matching
from tests.benchmarks.access.sizes import PAGE

OURS, PER_LOAN, PER_BRANCH = "ours", "guardian, a right for each loan", "guardian, a right for each branch"
List = Callable[[int, Mapping[str, str]], list[Loan]]
_EVERYTHING = Principal(user_id=0, permissions=frozenset({"circulation.view"}))


def ours(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """As the API does it."""
    return _page(matching(loans_visible_to(load_principal(user_id)), wanted, is_open=True))


def per_loan(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """guardian used plainly: every loan is an object with rights of its own."""
    user = User.objects.get(pk=user_id)
    loans = matching(_all(), wanted, is_open=True)
    return _page(get_objects_for_user(user, "circulation.view_loan", loans))


def per_branch(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """guardian asked for branches."""
    user = User.objects.get(pk=user_id)
    branches = get_objects_for_user(user, "branches.circulation.view", Branch)
    return _page(matching(_all(), wanted, is_open=True).filter(branch__in=branches))


WAYS: Mapping[str, List] = {OURS: ours, PER_LOAN: per_loan, PER_BRANCH: per_branch}


def _all() -> QuerySet[Loan]:
    """Loans as ours lists them, joins and columns included, before anybody's rights."""
    return loans_visible_to(_EVERYTHING)


def _page(loans: QuerySet[Loan]) -> list[Loan]:
    return list(loans.order_by("-id")[:PAGE])
