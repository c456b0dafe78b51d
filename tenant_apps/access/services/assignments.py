"""Giving roles and taking them away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import SYSTEM, Actor, Principal
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors as accounts
from shared_apps.audit import services as audit
from tenant_apps.access.errors import AlreadyAssigned, LastAdmin
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import ADMIN
from tenant_apps.access.services.granting import active_admins, lock_admins, require_may_grant
from tenant_apps.access.services.projection import project_assignment, withdraw_assignment
from tenant_apps.branches import selectors as branches
from tenant_apps.collections import selectors as collections
from tenant_apps.keys import selectors as keys


def assign_role(
    *,
    role: str,
    user_id: int | None = None,
    service_account_id: int | None = None,
    branch: str | None = None,
    collection: str | None = None,
    by: Actor,
    now: datetime,
    granter: Principal | None = None,
) -> RoleAssignment:
    """Give a role to a user or a service account (one of them): for the library, or for the branch or collection named.

    `branch` and `collection` are codes, one of them at most. `granter` must hold every permission of the role in that
    scope; None is the system itself. Raises CannotGrant, AlreadyAssigned, and NotFound for what does not exist.
    """
    with transaction.atomic():
        # Locked: nobody puts more into the role, or deletes it, between the check and the insert.
        found_role = _named(Role.objects.select_for_update(no_key=True), "code", role)
        if found_role is None:
            raise NotFound
        assignment = RoleAssignment(
            user=_named(accounts.users(), "pk", user_id),
            service_account=_named(keys.service_accounts(), "pk", service_account_id),
            role=found_role,
            branch=_named(branches.all_branches(), "code", branch),
            collection=_named(collections.all_collections(), "code", collection),
            created_at=now,
        )
        require_may_grant(
            granter,
            found_role.allows,
            branch_id=assignment.branch_id,
            collection_id=assignment.collection_id,
        )
        with refused_if_taken(AlreadyAssigned):
            assignment.save(force_insert=True)
        project_assignment(assignment)
        record_assignment("role.assigned", assignment, by=by, now=now)
        report_assignment(Kind.ROLE_GRANTED, assignment, by=by, now=now)
    return assignment


def unassign_role(*, assignment_id: int, by: Actor, now: datetime, granter: Principal | None = None) -> None:
    """Take a role away. Raises NotFound, CannotGrant (as for giving it), or LastAdmin."""
    with transaction.atomic():
        lock_admins()
        rows = RoleAssignment.objects.select_related("role", "branch", "collection")
        assignment = rows.select_for_update(of=("self",)).filter(pk=assignment_id).first()
        if assignment is None:
            raise NotFound
        require_may_grant(
            granter,
            assignment.role.allows,
            branch_id=assignment.branch_id,
            collection_id=assignment.collection_id,
        )
        if _is_last_admin(assignment):
            raise LastAdmin
        record_assignment("role.unassigned", assignment, by=by, now=now)
        report_assignment(Kind.ROLE_REVOKED, assignment, by=by, now=now)
        withdraw_assignment(assignment)
        assignment.delete()


def record_assignment(action: str, assignment: RoleAssignment, *, by: Actor, now: datetime) -> None:
    """Write who was given (or has lost) which role where; what is not named is left out."""
    branch = assignment.branch.code if assignment.branch is not None else None
    changes = {**_facts(assignment), "branch": branch}
    if assignment.user_id is not None:
        changes["user"] = assignment.user_id
    audit.record(action=action, target=assignment, by=by, changes=changes, now=now)


def report_assignment(kind: Kind, assignment: RoleAssignment, *, by: Actor, now: datetime) -> None:
    """Tell those who look after the library's safety; what the system itself does is no news to them."""
    if by.kind == SYSTEM.kind:
        return
    security_event(kind, user_id=assignment.user_id, by=by, now=now, **_facts(assignment))


def _facts(assignment: RoleAssignment) -> dict[str, Any]:
    """Role, scope and machine, as far as they are named."""
    named = {
        "role": assignment.role.code,
        "branch": assignment.branch.code if assignment.branch is not None else None,
        "collection": assignment.collection.code if assignment.collection is not None else None,
        "service_account": assignment.service_account_id,
    }
    return {name: value for name, value in named.items() if value is not None}


def _named(rows: QuerySet[Any], field: str, value: object) -> Any:
    """The row that a part of an assignment names, None where it names none. Raises NotFound."""
    if value is None:
        return None
    row = rows.filter(**{field: value}).first()
    if row is None:
        raise NotFound
    return row


def _is_last_admin(assignment: RoleAssignment) -> bool:
    if assignment.role.code != ADMIN or assignment.user_id is None or not assignment.is_for_the_library:
        return False
    return not active_admins().exclude(pk=assignment.pk).exists()
