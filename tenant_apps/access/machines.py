"""Who presents an API key: the row of the key and the roles of its service account, in one query."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from saas.core import clock
from saas.core.api.key_authentication import KeyCaller
from saas.core.principals import KEY, Principal
from tenant_apps.access import selectors
from tenant_apps.access.rules import Rights as Combined
from tenant_apps.access.rules import combine, held_at
from tenant_apps.keys import selectors as keys
from tenant_apps.keys import services as key_services
from tenant_apps.keys.selectors import Rights


def load_key(key: str) -> KeyCaller | None:
    """The caller behind a key (settings.KEY_LOADERS); None for one that is unknown, revoked, expired or switched off.

    Remembers the use of a good one, once an hour.
    """
    prefix = keys.prefix_of(key)
    grants = selectors.grants_of(user=None, service_account=OuterRef("service_account"))
    rows = keys.api_keys().annotate(_grants=ArraySubquery(grants))
    row: Any = None if prefix is None else rows.filter(prefix=prefix).first()
    now = clock.now()
    if row is None or not keys.matches(key, row.digest) or not keys.is_usable(row, now=now):
        return None
    key_services.note_use(row, now=now)
    return KeyCaller(row.prefix, _principal(row))


def rights_of_service_account(service_account_id: int) -> Rights:
    """What roles give to a service account, active or not (settings.SERVICE_ACCOUNT_RIGHTS); one query."""
    grants = selectors.grants_of(user=None, service_account=service_account_id)
    return _without_what_no_key_may(combine(list(grants)))


def _principal(row: Any) -> Principal:
    """What the key brings of its own and what its service account's roles give, together."""
    own = keys.rights_of(row.permissions, row.branches)
    given = _without_what_no_key_may(combine(row._grants))
    # Of a key for branches too only what can be held for a branch: else it would open what is the library's.
    at_branches = {at: held_at(names, branch=True) for at, names in own.by_branch.items()}
    return Principal(
        kind=KEY,
        label=f"{row.service_account.code}/{row.prefix}",
        name=row.service_account.name,
        roles=tuple(dict.fromkeys(grant["role"] for grant in row._grants)),
        permissions=own.everywhere | given.everywhere,
        branch_permissions=_together(at_branches, given.by_branch),
        collection_permissions=_together(own.by_collection, given.by_collection),
        grants=row._grants,
    )


def _without_what_no_key_may(found: Combined) -> Rights:
    never = keys.NEVER_BY_KEY
    return Rights(
        found.everywhere - never,
        {at: names - never for at, names in found.by_branch.items()},
        {at: names - never for at, names in found.by_collection.items()},
    )


def _together(
    first: dict[int, frozenset[str]], second: dict[int, frozenset[str]]
) -> dict[int, frozenset[str]]:
    return {at: first.get(at, frozenset()) | second.get(at, frozenset()) for at in first.keys() | second}
