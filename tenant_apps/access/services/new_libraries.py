"""What a new library begins with: the standard roles and its first admin."""

from __future__ import annotations

from saas.core.db.inserts import insert
from saas.core.principals import SYSTEM
from saas.core.seeding import LibrarySeed, rename_prepared
from shared_apps.accounts import services as account_services
from tenant_apps.access.models import Role, RoleAssignment
from tenant_apps.access.rules import ADMIN, STANDARD_ROLES
from tenant_apps.access.services.assignments import record_assignment
from tenant_apps.access.services.projection import first_admin_role, prepare_projection


def prepare_library(using: str) -> None:
    """Give a new schema the standard roles."""
    roles = Role.objects.using(using).bulk_create(
        [
            Role(code=role.code, name=str(role.name), permissions=sorted(role.permissions))
            for role in STANDARD_ROLES
        ]
    )
    prepare_projection(next(role for role in roles if role.code == ADMIN), using)


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
    assignment = RoleAssignment(user=admin, role=first_admin_role(admin.pk), created_at=seed.now)
    insert(assignment)
    record_assignment("role.assigned", assignment, by=SYSTEM, now=seed.now)
