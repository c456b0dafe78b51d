"""Who presents an API key: the row of the key and the roles of its service account, in one query."""

from __future__ import annotations

from typing import Any

from saas.core import clock
from saas.core.api.key_authentication import KeyCaller
from saas.core.principals import KEY, Principal
from tenant_apps.keys import selectors as keys
from tenant_apps.keys import services as key_services
from tenant_apps.keys.selectors import ApiKey, Rights


def load_key(key: str) -> KeyCaller | None:
    """The caller behind a key (settings.KEY_LOADERS); None for one that is unknown, revoked, expired or switched off.

    Remembers the use of a good one, once an hour.
    """
    prefix = keys.prefix_of(key)
    row: Any = None if prefix is None else keys.api_keys().filter(prefix=prefix).first()
    now = clock.now()
    if row is None or not keys.matches(key, row.digest) or not keys.is_usable(row, now=now):
        return None
    key_services.note_use(row, now=now)
    return KeyCaller(row.prefix, _principal(row))


def rights_of_service_account(service_account_id: int) -> Rights:
    """What roles give to a service account (settings.SERVICE_ACCOUNT_RIGHTS); none can be assigned yet."""
    return Rights()


def _principal(row: ApiKey) -> Principal:
    own = keys.rights_of(row.permissions, row.branches)
    return Principal(
        kind=KEY,
        label=f"{row.service_account.code}/{row.prefix}",
        name=row.service_account.name,
        permissions=own.everywhere,
        branch_permissions=own.by_branch,
    )
