"""Giving roles and taking them away."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.db.inserts import insert
from saas.core.db.integrity import refused_if_taken
from saas.core.errors import FieldProblem, NotFound
from saas.core.principals import SYSTEM, Actor, Principal
from saas.core.seeding import LibrarySeed, rename_prepared
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts import services as account_services
from shared_apps.accounts.services import User
from shared_apps.audit import services as audit
from tenant_apps.access.errors import AlreadyAssigned, CannotGrant, LastAdmin
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import ADMIN, READER, STANDARD_ROLES, effective_permissions
from tenant_apps.branches import selectors as branches


def assign_role(
    *,
    user_id: int,
    role: str,
    branch: str | None = None,
    by: Actor,
    now: datetime,
    granter: Principal | None = None,
) -> RoleAssignment:
    """Give a user a role, for the whole library or for the branch with this code.

    `granter` must hold every permission of the role in that scope; None is the system itself. Raises
    CannotGrant, AlreadyAssigned, and NotFound for a user, role or branch that does not exist.
    """
    with transaction.atomic():
        found_role = Role.objects.filter(code=role).first()
        found_branch = branches.all_branches().filter(code=branch).first() if branch is not None else None
        user = accounts.users().filter(pk=user_id).first()
        if found_role is None or user is None or (branch is not None and found_branch is None):
            raise NotFound
        _require_may_grant(granter, found_role, found_branch.pk if found_branch else None)
        assignment = RoleAssignment(user=user, role=found_role, branch=found_branch, created_at=now)
        with refused_if_taken(AlreadyAssigned):
            assignment.save(force_insert=True)
        _record_assignment(assignment, by=by, now=now)
    return assignment


def unassign_role(*, assignment_id: int, by: Actor, now: datetime, granter: Principal | None = None) -> None:
    """Take a role away. Raises NotFound, CannotGrant (as for giving it), or LastAdmin."""
    with transaction.atomic():
        # Everybody who changes admins waits here: two admins cannot remove each other at once.
        Role.objects.select_for_update(no_key=True).filter(code=ADMIN).first()
        rows = RoleAssignment.objects.select_related("role", "branch").select_for_update(of=("self",))
        assignment = rows.filter(pk=assignment_id).first()
        if assignment is None:
            raise NotFound
        _require_may_grant(granter, assignment.role, assignment.branch_id)
        if _is_last_admin(assignment):
            raise LastAdmin
        _record_unassignment(assignment, by=by, now=now)
        assignment.delete()


def create_member(
    *, email: str, name: str, password: str, role: str, branch: str | None = None, now: datetime, by: Actor
) -> User:
    """Make an account with a verified address and give it a role; for tests, the demo and commands.

    Raises what accounts.services.create_user and `assign_role` raise.
    """
    with transaction.atomic():
        user = account_services.create_user(
            email=email, name=name, password=password, verified=True, now=now, by=by
        )
        assign_role(user_id=user.pk, role=role, branch=branch, by=by, now=now)
    return user


def admit_reader(*, user_id: int, by: Actor, now: datetime) -> None:
    """Give somebody who has registered the Reader role, if they do not hold it yet (setting READER_ADMITTER)."""
    held = RoleAssignment.objects.filter(user=user_id, role__code=READER, branch=None)
    if not held.exists():
        assign_role(user_id=user_id, role=READER, by=by, now=now)


def reason_to_stay(user_id: int) -> FieldProblem | None:
    """Why this user's account cannot be closed: they are the last admin (setting DEACTIVATION_BLOCKERS).

    Until the caller's transaction ends nobody changes who the admins are.
    """
    Role.objects.select_for_update(no_key=True).filter(code=ADMIN).first()
    own = RoleAssignment.objects.select_related("role").filter(user=user_id, role__code=ADMIN, branch=None)
    assignment = own.first()
    if assignment is None or not _is_last_admin(assignment):
        return None
    return FieldProblem("user", LastAdmin.code, LastAdmin.detail)


def erase_account(*, user_id: int, by: Actor, now: datetime) -> None:
    """Take away every role of an account that is being erased (setting ACCOUNT_ERASERS)."""
    for assignment in RoleAssignment.objects.select_related("role", "branch").filter(user=user_id):
        _record_unassignment(assignment, by=by, now=now)
        assignment.delete()


def prepare_library(using: str) -> None:
    """Give a new schema the standard roles."""
    Role.objects.using(using).bulk_create(
        [
            Role(code=role.code, name=str(role.name), permissions=sorted(role.permissions))
            for role in STANDARD_ROLES
        ]
    )


def seed_library(seed: LibrarySeed) -> None:
    """Give a new library its first admin, whose address sign-up has verified; its roles, names in its language."""
    if not seed.is_in_prepared_language:
        rename_prepared(Role, {role.code: str(role.name) for role in STANDARD_ROLES})
    admin = account_services.create_first_user(
        email=seed.admin_email,
        name=seed.admin_name,
        password_hash=seed.admin_password_hash,
        language=seed.language,
        now=seed.now,
        by=SYSTEM,
    )
    assignment = RoleAssignment(user=admin, role=Role.objects.get(code=ADMIN), created_at=seed.now)
    insert(assignment)
    _record_assignment(assignment, by=SYSTEM, now=seed.now)


def _record_assignment(assignment: RoleAssignment, *, by: Actor, now: datetime) -> None:
    audit.record(action="role.assigned", target=assignment, by=by, changes=_changes(assignment), now=now)


def _record_unassignment(assignment: RoleAssignment, *, by: Actor, now: datetime) -> None:
    audit.record(action="role.unassigned", target=assignment, by=by, changes=_changes(assignment), now=now)


def _changes(assignment: RoleAssignment) -> dict[str, object]:
    branch = assignment.branch.code if assignment.branch is not None else None
    return {"user": assignment.user_id, "role": assignment.role.code, "branch": branch}


def _require_may_grant(granter: Principal | None, role: Role, branch_id: int | None) -> None:
    """Nobody gives what they do not have, or a member with `roles.manage` could make themselves admin."""
    if granter is None:
        return
    needed = effective_permissions(role.code, role.permissions) | {"roles.manage"}
    if not all(granter.may(permission, branch_id=branch_id) for permission in needed):
        raise CannotGrant


def _is_last_admin(assignment: RoleAssignment) -> bool:
    if assignment.role.code != ADMIN or assignment.branch_id is not None:
        return False
    others = RoleAssignment.objects.filter(role__code=ADMIN, branch=None, user__is_active=True)
    return not others.exclude(pk=assignment.pk).exists()
