"""Permissions and roles as they are released, and how grants add up."""

from __future__ import annotations

import re

from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.access.rules import (
    ADMIN,
    GUEST,
    LIBRARIAN,
    PERMISSIONS,
    READER,
    STANDARD_ROLES,
    Grant,
    combine,
    effective_permissions,
)

names = st.sampled_from(sorted(PERMISSIONS))
grants = st.lists(
    st.builds(
        lambda role, branch, permissions: Grant(role=role, branch=branch, permissions=permissions),
        st.sampled_from([LIBRARIAN, READER, GUEST, "own"]),
        st.none() | st.integers(1, 3),
        st.lists(names, max_size=4),
    ),
    max_size=6,
)


def test_every_permission_is_named_area_dot_act_and_described() -> None:
    for name, description in PERMISSIONS.items():
        assert re.fullmatch(r"[a-z]+\.[a-z]+", name)
        with translation.override("en"):
            assert len(str(description)) > 5


def test_no_library_role_reaches_the_platform() -> None:
    assert not [name for name in PERMISSIONS if name.startswith("platform.")]


def test_the_standard_roles() -> None:
    by_code = {role.code: role.permissions for role in STANDARD_ROLES}
    assert list(by_code) == [ADMIN, LIBRARIAN, READER, GUEST]
    assert by_code[ADMIN] == frozenset(PERMISSIONS)
    assert by_code[READER] == by_code[GUEST] == {"catalog.view"}
    assert {"circulation.lend", "patrons.manage", "catalog.import"} <= by_code[LIBRARIAN]
    assert not {"roles.manage", "settings.manage", "rules.manage", "audit.view"} & by_code[LIBRARIAN]
    for permissions in by_code.values():
        assert permissions <= frozenset(PERMISSIONS)


def test_admin_can_do_what_a_later_release_adds_and_others_only_what_exists() -> None:
    assert effective_permissions(ADMIN, []) == frozenset(PERMISSIONS)
    assert effective_permissions("own", ["catalog.view", "gone.away", "platform.manage"]) == {"catalog.view"}


def test_a_role_at_a_branch_holds_there_alone() -> None:
    everywhere, by_branch = combine(
        [
            Grant(role=READER, branch=None, permissions=["catalog.view"]),
            Grant(role="own", branch=7, permissions=["circulation.lend"]),
            Grant(role="more", branch=7, permissions=["circulation.view"]),
            Grant(role="none", branch=8, permissions=[]),
        ]
    )
    assert everywhere == {"catalog.view"}
    assert by_branch == {7: {"circulation.lend", "circulation.view"}, 8: frozenset()}


@given(grants)
def test_grants_only_ever_add(found: list[Grant]) -> None:
    everywhere, by_branch = combine(found)
    for grant in found:
        reached = everywhere if grant["branch"] is None else by_branch[grant["branch"]]
        assert set(grant["permissions"]) <= reached
    given_somewhere = {name for grant in found for name in grant["permissions"]}
    assert everywhere.union(*by_branch.values()) == given_somewhere


@given(grants)
def test_the_order_of_grants_does_not_matter(found: list[Grant]) -> None:
    assert combine(found) == combine(list(reversed(found)))
