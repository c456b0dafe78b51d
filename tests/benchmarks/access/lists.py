"""The same page of loans, asked for in four ways (README.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.core.paginator import Paginator
from django.db.models import QuerySet
from guardian.shortcuts import get_objects_for_user

from shared_apps.accounts.models import User
from tenant_apps.access.selectors import load_principal
from tenant_apps.branches.models import Branch
from tenant_apps.circulation.models import Loan
from tenant_apps.circulation.selectors import loans_visible_to, matching
from tenant_apps.circulation.selectors.loans import _SHOWN
from tests.benchmarks.access.sizes import PAGE

OURS, PER_LOAN = "ours", "guardian, a right for each loan"
UNCOUNTED, PER_BRANCH = "the same, without the count", "guardian, a right for each branch"
List = Callable[[int, Mapping[str, str]], list[Loan]]


def ours(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """As the API does it."""
    return _page(matching(loans_visible_to(load_principal(user_id)), wanted, is_open=True))


def per_loan(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """guardian used plainly: every loan is an object with rights of its own, and pages are Django's, which count."""
    return list(Paginator(_of_guardian(user_id, wanted), PAGE).page(1).object_list)


def uncounted(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """The same with pages that do without their number, as ours."""
    return list(_of_guardian(user_id, wanted)[:PAGE])


def per_branch(user_id: int, wanted: Mapping[str, str]) -> list[Loan]:
    """guardian asked for branches."""
    user = User.objects.get(pk=user_id)
    branches = get_objects_for_user(user, "branches.circulation.view", Branch)
    return _page(matching(_shown(Loan.objects.filter(branch__in=branches)), wanted, is_open=True))


WAYS: Mapping[str, List] = {OURS: ours, PER_LOAN: per_loan, UNCOUNTED: uncounted, PER_BRANCH: per_branch}


def _of_guardian(user_id: int, wanted: Mapping[str, str]) -> QuerySet[Loan]:
    user = User.objects.get(pk=user_id)
    loans = get_objects_for_user(user, "circulation.view_loan", Loan)
    return matching(_shown(loans), wanted, is_open=True).order_by("-id")


def _shown(loans: QuerySet[Loan]) -> QuerySet[Loan]:
    """The joins and columns that ours reads."""
    return loans.select_related("copy__title", "branch", "return_branch").only(*_SHOWN)


def _page(loans: QuerySet[Loan]) -> list[Loan]:
    return list(loans.order_by("-id")[:PAGE])
