"""Who presents an API key: the row of the key and the roles of its service account, in one query."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.db.models import OuterRef, QuerySet, TextField

from saas.core import clock
from saas.core.api.key_authentication import KeyCaller
from saas.core.db.binds import Bind
from saas.core.db.questions import Question
from saas.core.principals import KEY, Principal
from tenant_apps.access.callers import REMEMBERED, held_by, meaning_of
from tenant_apps.access.rules import Rights as Combined
from tenant_apps.access.rules import held_at
from tenant_apps.keys import selectors as keys
from tenant_apps.keys import services as key_services
from tenant_apps.keys.selectors import Rights


def load_key(key: str) -> KeyCaller | None:
    """The caller behind a key (settings.KEY_LOADERS); None for one that is unknown, revoked, expired or switched off.

    Remembers the use of a good one, once an hour.
    """
    prefix = keys.prefix_of(key)
    found = None if prefix is None else _KEY.first(prefix=prefix)
    if found is None:
        return None
    row, held = keys.key_from(found[:-1]), found[-1]
    now = clock.now()
    if not keys.matches(key, row.digest) or not keys.is_usable(row, now=now):
        return None
    key_services.note_use(row, now=now)
    return KeyCaller(row.prefix, _principal(row, held))


def rights_of_service_account(service_account_id: int) -> Rights:
    """What roles give to a service account, active or not (settings.SERVICE_ACCOUNT_RIGHTS); one query."""
    rows = keys.service_accounts().filter(pk=service_account_id)
    row = rows.values_list(held_by(user=None, service_account=OuterRef("pk"))).first()
    return _without_what_no_key_may(meaning_of(row[0] if row else None).rights)


def forget_meanings() -> None:
    """Forget what texts of roles mean, as a new process of another release would; for tests that change the rules."""
    meaning_of.cache_clear()
    _rights.cache_clear()


def _principal(row: Any, held: str) -> Principal:
    """What the key brings of its own and what its service account's roles give, together."""
    branches = None if row.branches is None else tuple(row.branches)
    rights = _rights(held, tuple(row.permissions), branches)
    return Principal(
        kind=KEY,
        label=f"{row.service_account.code}/{row.prefix}",
        name=row.service_account.name,
        roles=meaning_of(held).roles,
        permissions=rights.everywhere,
        branch_permissions=rights.by_branch,
        collection_permissions=rights.by_collection,
        grants=held,
    )


@lru_cache(maxsize=REMEMBERED)
def _rights(held: str, permissions: tuple[str, ...], branches: tuple[int, ...] | None) -> Rights:
    """What such texts come to under this release (callers.meaning_of)."""
    own = keys.rights_of(permissions, branches)
    given = _without_what_no_key_may(meaning_of(held).rights)
    # Of a key for branches too only what can be held for a branch: else it would open what is the library's.
    at_branches = {at: held_at(names, branch=True) for at, names in own.by_branch.items()}
    return Rights(
        everywhere=own.everywhere | given.everywhere,
        by_branch=_together(at_branches, given.by_branch),
        by_collection=_together(own.by_collection, given.by_collection),
    )


def _without_what_no_key_may(found: Combined) -> Rights:
    never = keys.NEVER_BY_KEY
    return Rights(
        found.everywhere - never,
        {at: names - never for at, names in found.by_branch.items()},
        {at: names - never for at, names in found.by_collection.items()},
    )


def _together(
    first: Mapping[int, frozenset[str]], second: Mapping[int, frozenset[str]]
) -> Mapping[int, frozenset[str]]:
    both = {at: first.get(at, frozenset()) | second.get(at, frozenset()) for at in first.keys() | second}
    return MappingProxyType(both)


def _keys() -> QuerySet[Any, Any]:
    prefix: Any = Bind("prefix", TextField())
    held = held_by(user=None, service_account=OuterRef("service_account"))
    return keys.api_keys().filter(prefix=prefix).values_list(*keys.KEY_COLUMNS, held)


_KEY = Question(_keys)
