"""Making, changing and ending service accounts and their keys."""

from tenant_apps.keys.services.api_keys import (
    MadeKey,
    create_key,
    note_use,
    revoke_key,
    rotate_key,
)
from tenant_apps.keys.services.service_accounts import (
    ServiceAccountChanges,
    create_service_account,
    delete_service_account,
    update_service_account,
)

__all__ = [
    "MadeKey",
    "ServiceAccountChanges",
    "create_key",
    "create_service_account",
    "delete_service_account",
    "note_use",
    "revoke_key",
    "rotate_key",
    "update_service_account",
]
