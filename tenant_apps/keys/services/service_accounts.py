"""Service accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from django.db import transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import CannotGrant, NotFound
from saas.core.principals import Actor, Principal
from saas.core.security_events import Kind, security_event
from shared_apps.audit import services as audit
from tenant_apps.keys import selectors
from tenant_apps.keys.errors import ServiceAccountCodeTaken
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.keys.rules import rights_of


class ServiceAccountChanges(TypedDict, total=False):
    """What may change in a service account. Its code may not: clients name it by that."""

    name: str
    description: str
    is_active: bool


def create_service_account(
    *, code: str, name: str, description: str = "", by: Actor, now: datetime
) -> ServiceAccount:
    """Make a machine's account; it may do nothing until it has a role or a key. Raises ServiceAccountCodeTaken."""
    account = ServiceAccount(code=code, name=name, description=description, created_at=now)
    with transaction.atomic():
        with refused_if_taken(ServiceAccountCodeTaken):
            account.save(force_insert=True)
        changes = {"code": code, "name": name}
        audit.record(action="service_account.created", target=account, by=by, changes=changes, now=now)
    return account


def update_service_account(
    *,
    service_account_id: int,
    changes: ServiceAccountChanges,
    maker: Principal,
    by: Actor,
    now: datetime,
    expect: Callable[[ServiceAccount], None] | None = None,
) -> ServiceAccount:
    """Change a service account; inactive, it is refused with every key from the next request on.

    `maker` must hold what the account's keys and roles would allow again to switch it on. `expect` is called with the
    locked row and raises if the caller saw another version. Raises NotFound and CannotGrant.
    """
    with transaction.atomic():
        account = _locked(service_account_id)
        if expect is not None:
            expect(account)
        changed = {name: value for name, value in changes.items() if getattr(account, name) != value}
        if not changed:
            return account
        if changed.get("is_active"):
            require_covers(maker, account)
        entry = {name: [getattr(account, name), value] for name, value in changed.items()}
        for name, value in changed.items():
            setattr(account, name, value)
        account.bump()
        account.save(update_fields=[*changed, "version"])
        audit.record(action="service_account.changed", target=account, by=by, changes=entry, now=now)
    return account


def delete_service_account(
    *,
    service_account_id: int,
    by: Actor,
    now: datetime,
    expect: Callable[[ServiceAccount], None] | None = None,
) -> None:
    """Delete a service account with its keys and the roles it holds; all of them end at once. Raises NotFound."""
    with transaction.atomic():
        account = _locked(service_account_id)
        if expect is not None:
            expect(account)
        prefixes = sorted(account.keys.values_list("prefix", flat=True))
        changes = {"code": account.code, "keys": prefixes}
        audit.record(action="service_account.deleted", target=account, by=by, changes=changes, now=now)
        security_event(Kind.KEY_REVOKED, by=by, now=now, service_account=account.code, prefix=prefixes)
        account.delete()


def require_covers(maker: Principal, account: ServiceAccount) -> None:
    """Raise CannotGrant unless `maker` holds what the account's roles and its living keys allow."""
    given = [selectors.rights_of_service_account(account.pk)]
    living = ApiKey.objects.filter(service_account=account, revoked_at__isnull=True)
    given += [rights_of(*row) for row in living.values_list("permissions", "branches")]
    if not all(rights.within(maker) for rights in given):
        raise CannotGrant


def _locked(service_account_id: int) -> ServiceAccount:
    rows = ServiceAccount.objects.select_for_update(no_key=True)
    account = rows.filter(pk=service_account_id).first()
    if account is None:
        raise NotFound
    return account
