"""Making roles, changing what they allow, and removing them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saas.core import clock
from saas.core.errors import NotFound
from saas.core.principals import SYSTEM, Actor, Principal
from shared_apps.audit.models import AuditEntry
from shared_apps.security.models import SecurityEvent
from tenant_apps.access import rules, selectors, services
from tenant_apps.access.errors import CannotGrant, RoleCodeTaken, RoleInUse, RoleIsStandard
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import PERMISSIONS
from tests import factories

ADMIN = Principal(user_id=1, permissions=frozenset(PERMISSIONS))
# May manage roles and lend, and nothing more.
DEPUTY = replace(ADMIN, permissions=frozenset({"roles.manage", "catalog.view", "circulation.lend"}))
BY = Actor(kind="person", user_id=1)
pytestmark = pytest.mark.usefixtures("in_north")


def create(**changes: Any) -> Role:
    values: dict[str, Any] = {
        "code": "volunteer",
        "name": "Volunteer",
        "permissions": ["circulation.lend", "catalog.view", "catalog.view"],
        "by": BY,
        "now": clock.now(),
        **changes,
    }
    return services.create_role(**values)


def change(role: Role, *, granter: Principal | None = None, **changes: Any) -> Role:
    return services.change_role(
        role_id=role.pk,
        changes=changes,
        granter=granter,
        by=BY,
        now=clock.now(),  # type: ignore[arg-type]
    )


def delete(role: Role, **changes: Any) -> None:
    services.delete_role(role_id=role.pk, by=BY, now=clock.now(), **changes)


def standard(code: str) -> Role:
    return Role.objects.get(code=code)


def rows() -> list[Any]:
    return [*Role.objects.order_by("id").values(), AuditEntry.objects.count()]


def entries(role: Role) -> list[Any]:
    found = AuditEntry.objects.filter(target_type="access.role", target_id=str(role.pk)).order_by("id")
    return [(entry.action, entry.changes, entry.actor_user_id) for entry in found]


# -- making -----------------------------------------------------------------------------------------------------------


def test_a_role_of_its_own_is_a_named_set_of_permissions() -> None:
    role = create()
    made = Role.objects.get(pk=role.pk)
    assert (made.code, made.name, made.allows) == (
        "volunteer",
        "Volunteer",
        {"catalog.view", "circulation.lend"},
    )
    assert (made.is_standard, made.version) == (False, 1)
    listed = ["catalog.view", "circulation.lend"]
    assert made.permissions == listed
    assert entries(role) == [
        ("role.created", {"code": "volunteer", "name": "Volunteer", "permissions": listed}, 1)
    ]


@pytest.mark.parametrize("code", ["volunteer", "admin"])
def test_a_code_is_taken_once(code: str) -> None:
    create()
    before = rows()
    with pytest.raises(RoleCodeTaken):
        create(code=code)
    assert rows() == before


def test_the_code_of_a_standard_role_is_taken_where_the_role_is_missing() -> None:
    standard("guest").delete()
    with pytest.raises(RoleCodeTaken):
        create(code="guest", permissions=["roles.manage"])
    assert not Role.objects.filter(code="guest").exists()


@pytest.mark.parametrize(
    ("granter", "permissions"),
    [
        (DEPUTY, ["patrons.view"]),
        (DEPUTY, ["catalog.view", "settings.manage"]),
        (replace(DEPUTY, permissions=frozenset({"catalog.view"})), ["catalog.view"]),
        (replace(DEPUTY, permissions=frozenset(), branch_permissions={1: frozenset(PERMISSIONS)}), []),
        (replace(DEPUTY, permissions=frozenset(), collection_permissions={1: frozenset(PERMISSIONS)}), []),
    ],
    ids=["one more", "one of two", "no right to manage", "of a branch", "of a collection"],
)
def test_nobody_puts_into_a_role_what_they_do_not_hold_everywhere(
    granter: Principal, permissions: list[str]
) -> None:
    before = rows()
    with pytest.raises(CannotGrant):
        create(granter=granter, permissions=permissions)
    assert rows() == before
    assert create(granter=DEPUTY, permissions=["circulation.lend"])


# -- changing ---------------------------------------------------------------------------------------------------------


def test_a_change_is_audited_with_before_and_after_and_counts_at_once() -> None:
    role = create()
    holder = factories.RoleAssignmentFactory(role=role).user
    assert not selectors.load_principal(holder.pk).may("patrons.view")
    changed = change(role, name="Helper", permissions=["patrons.view", "catalog.view"], granter=ADMIN)
    assert (changed.version, changed.name) == (2, "Helper")
    assert selectors.load_principal(holder.pk).permissions == {"patrons.view", "catalog.view"}
    assert entries(role)[1] == (
        "role.changed",
        {
            "name": ["Volunteer", "Helper"],
            "permissions": [["catalog.view", "circulation.lend"], ["catalog.view", "patrons.view"]],
        },
        1,
    )


def test_what_a_role_allows_is_a_security_event_and_its_name_is_none() -> None:
    role = create()
    change(role, name="Helper")
    change(role, permissions=["catalog.view", "patrons.view"])
    delete(role)
    events = SecurityEvent.objects.filter(kind="role_changed").order_by("id")
    assert [(row.actor_user_id, row.facts) for row in events] == [
        (1, {"role": "volunteer", "added": "catalog.view, circulation.lend", "removed": ""}),
        (1, {"role": "volunteer", "added": "patrons.view", "removed": "circulation.lend"}),
        (1, {"role": "volunteer", "added": "", "removed": "catalog.view, patrons.view"}),
    ]


def test_a_change_that_changes_nothing_leaves_no_trace() -> None:
    role = create()
    before = rows()
    assert change(role, name="Volunteer", permissions=["circulation.lend", "catalog.view"]).version == 1
    assert change(role).version == 1
    assert rows() == before


@pytest.mark.parametrize("code", ["librarian", "reader", "guest"])
def test_a_standard_role_is_edited_and_brought_back(code: str) -> None:
    role = standard(code)
    assert not role.edited
    edited = change(role, permissions=["circulation.view"], granter=ADMIN)
    assert (edited.edited, edited.allows) == (True, {"circulation.view"})
    released = rules.released_permissions(code)
    assert released is not None
    back = change(role, permissions=sorted(released), granter=ADMIN)
    assert (back.edited, back.allows) == (False, released)


def test_another_name_does_not_take_a_standard_role_off_the_release() -> None:
    renamed = change(standard("librarian"), name="Desk", granter=ADMIN)
    assert (renamed.name, renamed.edited, renamed.version) == ("Desk", False, 2)


def test_admin_can_always_do_everything() -> None:
    before = rows()
    for changes in (
        {"permissions": ["catalog.view"]},
        {"name": "Boss"},
        {"permissions": sorted(PERMISSIONS)},
    ):
        with pytest.raises(RoleIsStandard):
            change(standard("admin"), granter=ADMIN, **changes)
    assert rows() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": ["catalog.view", "circulation.lend", "patrons.view"]},
        {"permissions": ["roles.manage", "settings.manage"]},
    ],
)
def test_nobody_widens_a_role_beyond_themselves(changes: dict[str, Any]) -> None:
    role = create()
    before = rows()
    with pytest.raises(CannotGrant):
        change(role, granter=DEPUTY, **changes)
    assert rows() == before
    assert change(role, granter=DEPUTY, permissions=["catalog.view"]).version == 2


def test_nobody_edits_a_role_that_allows_more_than_they_may() -> None:
    before = rows()
    for changes in ({"name": "Mine"}, {"permissions": ["catalog.view"]}, {"permissions": []}, {}):
        with pytest.raises(CannotGrant):
            change(standard("librarian"), granter=DEPUTY, **changes)
        with pytest.raises(CannotGrant):
            change(standard("admin"), granter=DEPUTY, **changes)
    with pytest.raises(CannotGrant):
        delete(create(permissions=["settings.manage"]), granter=DEPUTY)
    assert [row for row in rows()[:-1] if row["code"] != "volunteer"] == before[:-1]


def test_the_version_is_looked_at_under_the_lock() -> None:
    role = create()

    def refuse(row: Role) -> None:
        assert row.version == 1
        raise NotFound

    before = rows()
    for act in (services.change_role, services.delete_role):
        more: dict[str, Any] = {"changes": {"name": "X"}} if act is services.change_role else {}
        with pytest.raises(NotFound):
            act(role_id=role.pk, by=BY, now=clock.now(), expect=refuse, **more)
    assert rows() == before


def test_a_role_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        change(Role(pk=999_999), name="X")
    with pytest.raises(NotFound):
        delete(Role(pk=999_999))


# -- removing ---------------------------------------------------------------------------------------------------------


def test_a_role_is_removed_once_nobody_holds_it() -> None:
    role = create()
    held = factories.RoleAssignmentFactory(role=role)
    with pytest.raises(RoleInUse):
        delete(role, granter=ADMIN)
    assert Role.objects.filter(pk=role.pk).exists()
    services.unassign_role(assignment_id=held.pk, by=SYSTEM, now=clock.now())
    delete(role, granter=ADMIN)
    assert not Role.objects.filter(pk=role.pk).exists()
    assert entries(role)[-1] == (
        "role.deleted",
        {"code": "volunteer", "name": "Volunteer", "permissions": ["catalog.view", "circulation.lend"]},
        1,
    )


@pytest.mark.parametrize("code", ["admin", "librarian", "reader", "guest"])
def test_a_standard_role_stays(code: str) -> None:
    RoleAssignment.objects.all().delete()
    with pytest.raises(RoleIsStandard):
        delete(standard(code), granter=ADMIN)
    assert standard(code)


def test_a_permission_that_a_release_gives_up_is_gone_and_does_not_stop_an_edit() -> None:
    role = create()
    Role.objects.filter(pk=role.pk).update(permissions=["catalog.view", "old.thing"])
    assert standard("volunteer").allows == {"catalog.view"}
    assert change(role, permissions=["catalog.view", "patrons.view"], granter=ADMIN).permissions == [
        "catalog.view",
        "patrons.view",
    ]
