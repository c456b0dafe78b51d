"""The benchmark of rights: its library is what it says, its ways agree, and it refuses where they do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import pytest
from django.contrib.auth.models import Group
from django.db.models import Count
from guardian.models import GroupObjectPermission

from tenant_apps.access.models import RoleAssignment
from tenant_apps.circulation.models import Loan
from tests.benchmarks.access import data, lists
from tests.benchmarks.access.run import measure, require_equal
from tests.benchmarks.access.sizes import BRANCHES, OWN_BRANCHES, QUICK
from tests.benchmarks.registry import BENCHMARKS, BenchmarkRefused

pytestmark = [pytest.mark.deep, pytest.mark.slow]
LOANS = 6_000
SMALL = dataclasses.replace(QUICK, loans=LOANS, rounds=3, repetitions=1)


@pytest.fixture
def staff(in_north: object) -> data.Staff:
    return data.build(LOANS)


def test_the_library_is_what_it_says(staff: data.Staff) -> None:
    by_branch = dict(Loan.objects.values_list("branch__code").annotate(Count("pk")))
    assert sum(by_branch.values()) == LOANS
    assert len(by_branch) == BRANCHES
    assert max(by_branch.values()) < 2 * min(by_branch.values())
    assert Loan.objects.filter(returned_at=None).count() == LOANS // 5
    # guardian's way: a right for each loan, held by the group of its branch.
    assert GroupObjectPermission.objects.count() == staff.grants == LOANS
    assert RoleAssignment.objects.filter(user=staff.user_id).count() == OWN_BRANCHES == len(staff.branches)


def test_all_ways_agree_and_are_measured(staff: data.Staff) -> None:
    rows, rounds = measure(staff, SMALL)
    assert rounds == 3
    assert [row.peer_name for row in rows] == [*lists.WAYS][1:] * 2 + [lists.PER_LOAN]
    assert all(row.ours > 0 and row.peer for row in rows)
    assert [row.target is not None for row in rows] == [True, *[False] * 6]


@pytest.mark.parametrize("damage", ["a right is missing", "a right is too much", "a way forgets the rights"])
def test_a_difference_is_refused(staff: data.Staff, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    asked: dict[str, Mapping[str, str]] = {"page": {}}
    require_equal(staff, asked)
    newest = Loan.objects.filter(returned_at=None).order_by("-pk")
    if damage == "a right is missing":
        own = newest.filter(branch__code__in=staff.branches)[0]
        GroupObjectPermission.objects.filter(object_pk=str(own.pk)).delete()
    elif damage == "a right is too much":
        foreign = newest.exclude(branch__code__in=staff.branches)[0]
        group = Group.objects.get(name=f"staff of {staff.branches[0]}")
        GroupObjectPermission.objects.filter(object_pk=str(foreign.pk)).update(group=group)
    else:
        everything: Callable[..., list[Loan]] = lambda *_asked: list(newest[:50])  # noqa: E731
        monkeypatch.setattr(lists, "WAYS", dict.fromkeys(lists.WAYS, everything))
    with pytest.raises(BenchmarkRefused):
        require_equal(staff, asked)


def test_it_is_in_the_list() -> None:
    assert BENCHMARKS["access"].module == "tests.benchmarks.access.run"
