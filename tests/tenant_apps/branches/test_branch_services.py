"""Opening and changing branches."""

from __future__ import annotations

from typing import Any

from tenant_apps.branches.models import Branch


def test_a_new_library_has_the_branch_main_in_its_own_zone(in_north: Any) -> None:
    assert list(Branch.objects.values_list("code", "name", "time_zone")) == [("main", "Main", "Europe/Rome")]
