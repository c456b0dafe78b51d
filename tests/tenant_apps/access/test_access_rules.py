"""Permissions and roles as they are released, and how grants add up."""

from __future__ import annotations

import re
from typing import Any

from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from tenant_apps.access.rules import (
    ADMIN,
    GUEST,
    LIBRARIAN,
    PERMISSIONS,
    READER,
    SCOPES,
    STANDARD_ROLES,
    Grant,
    combine,
    effective_permissions,
    permissions_of,
    scopes_of,
)


def grant(
    role: str,
    permissions: list[str],
    *,
    branch: int | None = None,
    collection: int | None = None,
    edited: bool = False,
) -> Grant:
    """A grant for one scope at most, as the database has it."""
    return Grant(
        id=1,
        role=role,
        edited=edited,
        permissions=permissions,
        branch=branch,
        collection=None if branch else collection,
    )


def any_grant(standard: str | None, permissions: list[str], **scope: Any) -> Grant:
    """Of a standard role, or of one of the library's own: roles with one code allow the same, as in the database."""
    if standard is not None:
        return grant(standard, [], **scope)
    return grant(f"own {sorted(permissions)}", permissions, **scope)


names = st.sampled_from(sorted(PERMISSIONS))
grants = st.lists(
    st.builds(
        any_grant,
        st.none() | st.sampled_from([ADMIN, LIBRARIAN, READER, GUEST]),
        st.lists(names, max_size=4, unique=True),
        branch=st.none() | st.integers(1, 3),
        collection=st.none() | st.integers(1, 3),
    ),
    max_size=6,
)


def test_every_permission_is_named_area_dot_act_and_described() -> None:
    for name, description in PERMISSIONS.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z]+", name)
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


def test_a_role_at_a_branch_or_for_a_collection_holds_there_alone() -> None:
    rights = combine(
        [
            grant(READER, []),
            grant("own", ["circulation.lend", "catalog.manage"], branch=7),
            grant("own", ["circulation.lend", "catalog.manage"], collection=7),
            grant("more", ["circulation.view"], branch=7),
            grant("none", [], branch=8),
        ]
    )
    assert rights.everywhere == {"catalog.view"}
    assert rights.by_branch == {7: {"circulation.lend", "circulation.view"}, 8: frozenset()}
    assert rights.by_collection == {7: {"catalog.manage"}}


def test_a_standard_role_follows_the_release_until_it_is_edited() -> None:
    assert effective_permissions(READER, []) == {"catalog.view"}
    assert effective_permissions(READER, [], edited=True) == frozenset()
    assert effective_permissions(ADMIN, [], edited=True) == frozenset(PERMISSIONS)
    assert effective_permissions("own", ["catalog.view"]) == {"catalog.view"}


def test_scopes_are_of_permissions_that_exist() -> None:
    assert set(SCOPES) <= set(PERMISSIONS)
    assert scopes_of("settings.manage") == ("library",)
    assert scopes_of("copies.manage") == ("library", "branch", "collection")
    for name, scopes in SCOPES.items():
        assert scopes <= {"branch", "collection"}
        # What is the library's own is changed by those who hold it for the library.
        assert name not in {"settings.manage", "keys.manage", "sign_in.manage", "audit.view"}


@given(grants)
def test_grants_only_ever_add_and_only_where_they_are_held(found: list[Grant]) -> None:
    rights = combine(found)
    for one in found:
        if one["branch"] is not None:
            reached = rights.by_branch[one["branch"]]
        elif one["collection"] is not None:
            reached = rights.by_collection[one["collection"]]
        else:
            reached = rights.everywhere
        assert permissions_of(one) <= reached
    together = rights.everywhere.union(*rights.by_branch.values(), *rights.by_collection.values())
    assert together == {name for one in found for name in permissions_of(one)}
    assert all("branch" in SCOPES[name] for names in rights.by_branch.values() for name in names)
    assert all("collection" in SCOPES[name] for names in rights.by_collection.values() for name in names)


@given(grants)
def test_the_order_of_grants_does_not_matter(found: list[Grant]) -> None:
    assert combine(found) == combine(list(reversed(found)))
