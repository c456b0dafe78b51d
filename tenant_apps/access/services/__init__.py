"""What other apps and the API call to give roles, take them away and change what they allow."""

from tenant_apps.access.services.assignments import assign_role, unassign_role
from tenant_apps.access.services.granting import require_may_grant, require_not_last_admin
from tenant_apps.access.services.members import (
    admit_reader,
    create_member,
    erase_account,
    reason_to_stay,
)
from tenant_apps.access.services.new_libraries import prepare_library, seed_library
from tenant_apps.access.services.projection import repair_projection
from tenant_apps.access.services.roles import RoleChanges, change_role, create_role, delete_role
from tenant_apps.access.services.sharing import share, unshare

__all__ = [
    "RoleChanges",
    "admit_reader",
    "assign_role",
    "change_role",
    "create_member",
    "create_role",
    "delete_role",
    "erase_account",
    "prepare_library",
    "reason_to_stay",
    "repair_projection",
    "require_may_grant",
    "require_not_last_admin",
    "seed_library",
    "share",
    "unassign_role",
    "unshare",
]
