"""Opening and changing branches."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import translation

from saas.core.errors import NotFound, PermissionDenied, PreconditionFailed
from saas.core.principals import SYSTEM, Principal
from saas.core.seeding import LibrarySeed
from shared_apps.audit.models import AuditEntry
from tenant_apps.branches.errors import BranchCodeTaken
from tenant_apps.branches.models import Branch
from tenant_apps.branches.selectors import require_at_branch
from tenant_apps.branches.services import create_branch, prepare_library, seed_library, update_branch
from tests.tenant_apps.circulation.factories import everything

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)


def harbour(**more: Any) -> Branch:
    values = {
        "code": "harbour",
        "name": "Harbour",
        "time_zone": "Europe/Rome",
        "by": SYSTEM,
        "now": NOW,
        **more,
    }
    return create_branch(**values)


def test_a_new_library_has_the_branch_main_in_its_own_zone(in_north: Any) -> None:
    assert list(Branch.objects.values_list("code", "name", "time_zone")) == [("main", "Main", "Europe/Rome")]


def test_the_first_branch_takes_the_zone_of_sign_up(in_north: Any) -> None:
    from tenant_apps.circulation.models import LoanRule

    LoanRule.objects.all().delete()
    Branch.objects.all().delete()

    prepare_library("default")
    with translation.override("it"):
        seed_library(LibrarySeed(in_north, "a@b.example", "A", "!", "it", "JP", "Asia/Tokyo", NOW))

    assert list(Branch.objects.values_list("code", "name", "time_zone")) == [
        ("main", "Principale", "Asia/Tokyo")
    ]


def test_a_branch_is_opened_with_an_audit_entry(in_north: Any) -> None:
    branch = harbour()

    entry = AuditEntry.objects.get(action="branch.created", target_id=str(branch.pk))
    assert entry.changes == {"code": "harbour", "name": "Harbour", "time_zone": "Europe/Rome"}
    assert entry.at == NOW


def test_a_code_is_given_once_and_a_refusal_leaves_no_trace(in_north: Any) -> None:
    harbour()
    before = everything()

    with pytest.raises(BranchCodeTaken) as refused:
        harbour(name="Other")

    assert [problem.field for problem in refused.value.errors] == ["code"]
    assert everything() == before
    assert harbour(code="hill").pk


def test_a_change_raises_the_version_and_names_both_values(in_north: Any) -> None:
    branch = harbour()

    update_branch(branch_id=branch.pk, changes={"name": "Old Harbour"}, by=SYSTEM, now=NOW)

    branch.refresh_from_db()
    assert (branch.name, branch.time_zone, branch.version) == ("Old Harbour", "Europe/Rome", 2)
    assert AuditEntry.objects.get(action="branch.changed").changes == {"name": ["Harbour", "Old Harbour"]}


def test_a_change_that_changes_nothing_writes_nothing(in_north: Any) -> None:
    branch = harbour()
    before = everything()

    update_branch(branch_id=branch.pk, changes={"name": "Harbour"}, by=SYSTEM, now=NOW)

    assert everything() == before


def test_a_failed_expectation_changes_nothing(in_north: Any) -> None:
    branch = harbour()
    before = everything()

    def refuse(row: Branch) -> None:
        assert row == branch
        raise PreconditionFailed

    with pytest.raises(PreconditionFailed):
        update_branch(branch_id=branch.pk, changes={"name": "X"}, by=SYSTEM, now=NOW, expect=refuse)

    assert everything() == before


def test_a_branch_that_is_not_there_is_not_found(in_north: Any) -> None:
    with pytest.raises(NotFound):
        update_branch(branch_id=999_999, changes={"name": "X"}, by=SYSTEM, now=NOW)


class TestRequireAtBranch:
    """A permission for the whole library holds at each branch, one at a branch holds there alone."""

    everywhere = Principal(user_id=1, permissions=frozenset({"circulation.lend"}))
    at_seven = Principal(user_id=1, branch_permissions={7: frozenset({"circulation.lend"})})

    @pytest.mark.parametrize("branch", [None, 7, 8])
    def test_for_the_whole_library(self, branch: int | None) -> None:
        require_at_branch(self.everywhere, "circulation.lend", branch)

    def test_at_ones_own_branch(self) -> None:
        require_at_branch(self.at_seven, "circulation.lend", 7)

    @pytest.mark.parametrize(
        ("permission", "branch"), [("circulation.lend", 8), ("circulation.lend", None), ("x", 7)]
    )
    def test_nowhere_else(self, permission: str, branch: int | None) -> None:
        with pytest.raises(PermissionDenied):
            require_at_branch(self.at_seven, permission, branch)
