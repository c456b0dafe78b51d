"""What happens to roles when people come and go; accounts calls it by settings, without knowing this app."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.errors import FieldProblem
from saas.core.principals import Actor
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import services as account_services
from shared_apps.accounts.services import User
from shared_apps.audit import services as audit
from tenant_apps.access.errors import LastAdmin
from tenant_apps.access.models import RoleAssignment
from tenant_apps.access.rules import READER
from tenant_apps.access.services.assignments import assign_role, record_assignment
from tenant_apps.access.services.granting import require_not_last_admin
from tenant_apps.access.services.projection import withdraw_all
from tenant_apps.access.services.sharing import unshare_all


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
    held = RoleAssignment.objects.filter(user=user_id, role__code=READER, branch=None, collection=None)
    if not held.exists():
        assign_role(user_id=user_id, role=READER, by=by, now=now)


def reason_to_stay(user_id: int) -> FieldProblem | None:
    """Why this user's account cannot be closed: they are the last admin (setting DEACTIVATION_BLOCKERS).

    Until the caller's transaction ends nobody changes who the admins are.
    """
    try:
        require_not_last_admin(user_id)
    except LastAdmin:
        return FieldProblem("user", LastAdmin.code, LastAdmin.detail)
    return None


def erase_account(*, user_id: int, by: Actor, now: datetime) -> None:
    """Take away every role and share of an account that is being erased (setting ACCOUNT_ERASERS)."""
    unshare_all(user_id=user_id, by=by, now=now)
    rows = RoleAssignment.objects.select_related("role", "branch", "collection").filter(user=user_id)
    held = list(rows)
    if not held:
        return
    with audit.recorded_together():
        for assignment in held:
            record_assignment("role.unassigned", assignment, by=by, now=now)
    # One event for all of them: who goes is one piece of news.
    roles = sorted({assignment.role.code for assignment in held})
    security_event(Kind.ROLE_REVOKED, user_id=user_id, by=by, now=now, roles=roles)
    withdraw_all(held, user_id=user_id)
    rows.delete()
