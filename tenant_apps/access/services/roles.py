"""Making roles, changing what they allow, and removing them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import QuerySet

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor, Principal
from saas.core.security_events import Kind, security_event
from shared_apps.audit import services as audit
from tenant_apps.access.errors import RoleCodeTaken, RoleInUse, RoleIsStandard
from tenant_apps.access.models import Role
from tenant_apps.access.rules import ADMIN, is_standard, released_permissions
from tenant_apps.access.services.granting import require_may_grant
from tenant_apps.access.services.projection import project_role, withdraw_role

Expectation = Callable[[Role], None]


class RoleChanges(TypedDict, total=False):
    """What may change in a role. Its code may not: assignments and clients name it by that."""

    name: str
    permissions: Collection[str]


def create_role(
    *,
    code: str,
    name: str,
    permissions: Collection[str],
    by: Actor,
    now: datetime,
    granter: Principal | None = None,
) -> Role:
    """Make a role of the library's own; `permissions` are names of rules.PERMISSIONS.

    `granter` must hold each of them, and the right to manage roles, for the whole library. Raises CannotGrant and
    RoleCodeTaken.
    """
    require_may_grant(granter, permissions)
    if is_standard(code):
        raise RoleCodeTaken
    role = Role(code=code, name=name, permissions=sorted(set(permissions)))
    with transaction.atomic():
        with refused_if_taken(RoleCodeTaken):
            role.save(force_insert=True)
        changes = {"code": code, "name": name, "permissions": role.permissions}
        audit.record(action="role.created", target=role, by=by, changes=changes, now=now)
        _report(role, added=role.allows, by=by, now=now)
    return role


def change_role(
    *,
    role_id: int,
    changes: RoleChanges,
    by: Actor,
    now: datetime,
    granter: Principal | None = None,
    expect: Expectation | None = None,
) -> Role:
    """Give a role another name or other permissions, for everybody who holds it, from their next request on.

    `granter` must hold what the role allows before and after. `expect` is called with the locked row and raises if the
    caller saw another version. A change that changes nothing leaves the version as it is; a standard role that is
    brought back to what the release gives it follows the release again. Raises NotFound, CannotGrant, RoleIsStandard
    for Admin, which can always do everything.
    """
    with transaction.atomic():
        role = _locked(Role.objects.select_for_update(no_key=True), role_id, expect)
        before = role.allows
        after = frozenset(changes.get("permissions", before))
        require_may_grant(granter, before | after)
        if role.code == ADMIN:
            raise RoleIsStandard
        entry = _differences(role, changes)
        if not entry:
            return role
        role.name = changes.get("name", role.name)
        if after != before:
            role.permissions = sorted(after)
            role.edited = after != released_permissions(role.code)
        role.bump()
        role.save(update_fields=["name", "permissions", "edited", "version"])
        if after != before:
            project_role(role)
        audit.record(action="role.changed", target=role, by=by, changes=entry, now=now)
        if after != before:
            _report(role, added=after - before, removed=before - after, by=by, now=now)
    return role


def delete_role(
    *,
    role_id: int,
    by: Actor,
    now: datetime,
    granter: Principal | None = None,
    expect: Expectation | None = None,
) -> None:
    """Remove a role that nobody holds. Raises NotFound, CannotGrant, RoleIsStandard and RoleInUse.

    The full lock keeps out whoever is about to give the role to somebody.
    """
    with transaction.atomic():
        role = _locked(Role.objects.select_for_update(), role_id, expect)
        require_may_grant(granter, role.allows)
        if role.is_standard:
            raise RoleIsStandard
        if role.assignments.exists():
            raise RoleInUse
        changes = {"code": role.code, "name": role.name, "permissions": sorted(role.allows)}
        audit.record(action="role.deleted", target=role, by=by, changes=changes, now=now)
        _report(role, removed=role.allows, by=by, now=now)
        withdraw_role(role.pk)
        role.delete()


def _locked(rows: QuerySet[Role], role_id: int, expect: Expectation | None) -> Role:
    role = rows.filter(pk=role_id).first()
    if role is None:
        raise NotFound
    if expect is not None:
        expect(role)
    return role


def _report(
    role: Role,
    *,
    added: frozenset[str] = frozenset(),
    removed: frozenset[str] = frozenset(),
    by: Actor,
    now: datetime,
) -> None:
    """Tell those who look after the library's safety what a role allows from now on, and what no longer."""
    security_event(
        Kind.ROLE_CHANGED, by=by, now=now, role=role.code, added=sorted(added), removed=sorted(removed)
    )


def _differences(role: Role, changes: RoleChanges) -> dict[str, list[Any]]:
    """What the audit log says: before and after of each member that changes."""
    found: dict[str, list[Any]] = {}
    if "name" in changes and changes["name"] != role.name:
        found["name"] = [role.name, changes["name"]]
    if "permissions" in changes and frozenset(changes["permissions"]) != role.allows:
        found["permissions"] = [sorted(role.allows), sorted(set(changes["permissions"]))]
    return found
