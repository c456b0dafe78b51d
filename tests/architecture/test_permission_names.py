"""The names that models declare permissions by are the names that roles are made of."""

from __future__ import annotations

from saas.core.permission_names import PERMISSION_NAMES
from tenant_apps.access.rules import PERMISSIONS
from tenant_apps.branches.models import Branch
from tenant_apps.collections.models import Collection


def test_every_permission_has_its_name_and_every_name_its_meaning() -> None:
    assert sorted(PERMISSION_NAMES) == sorted(PERMISSIONS)
    assert len(set(PERMISSION_NAMES)) == len(PERMISSION_NAMES)


def test_each_can_be_had_for_a_branch_and_for_a_collection() -> None:
    for model in (Branch, Collection):
        assert [codename for codename, _name in model._meta.permissions] == list(PERMISSION_NAMES)
