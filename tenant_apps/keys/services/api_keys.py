"""API keys: making, exchanging and revoking them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from saas.core.db.inserts import insert
from saas.core.errors import CannotGrant, FieldProblem, NotFound, ValidationFailed
from saas.core.principals import Actor, Principal
from saas.core.security_events import Kind, security_event
from shared_apps.audit import services as audit
from tenant_apps.keys import rules, selectors
from tenant_apps.keys.errors import KeyNotUsable
from tenant_apps.keys.models import ApiKey, ServiceAccount
from tenant_apps.keys.services.service_accounts import create_service_account


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key's row and the key itself, which is stored nowhere and cannot be shown again."""

    row: ApiKey
    key: str = field(repr=False)


def create_key(
    *,
    name: str,
    permissions: Sequence[str],
    branches: Sequence[int] = (),
    expires_at: datetime | None = None,
    service_account_id: int | None = None,
    maker: Principal,
    now: datetime,
) -> MadeKey:
    """Make a key; a service account is made with it where none is named.

    `branches` are branch ids, none of them the whole library. `maker` must hold every permission in that scope, and
    what the service account's roles allow, since the key brings both. Raises ValidationFailed for a permission that
    does not exist or that no key may have and for an expiry in the past, NotFound for the service account, and
    CannotGrant.
    """
    _require_meaningful(permissions, expires_at, now)
    key, prefix = rules.new_key()
    with transaction.atomic():
        if service_account_id is None:
            code = f"{slugify(name)[:28] or 'key'}-{prefix[-10:].lower()}"
            account = create_service_account(code=code, name=name, by=maker.actor, now=now)
        else:
            account = _account(service_account_id)
        row = ApiKey(
            service_account=account,
            name=name,
            prefix=prefix,
            digest=rules.digest_of(key),
            permissions=sorted(set(permissions)),
            branches=sorted(set(branches)) or None,
            created_at=now,
            created_by_id=maker.user_id,
            expires_at=expires_at,
        )
        wide = _require_may_give(maker, row)
        insert(row)
        _record("api_key.created", row, by=maker.actor, now=now)
        _report(Kind.KEY_CREATED, row, by=maker.actor, now=now, wide=wide)
    return MadeKey(row, key)


def rotate_key(
    *,
    key_id: int,
    overlap: timedelta,
    expires_at: datetime | None = None,
    maker: Principal,
    now: datetime,
) -> MadeKey:
    """Make a key with the rights of another one, which dies after `overlap` and never later than it would have.

    The new one lives as long as the old one was to live, or until `expires_at`. Raises NotFound, KeyNotUsable, and
    CannotGrant: who exchanges a key holds the new one.
    """
    _require_meaningful((), expires_at, now)
    key, prefix = rules.new_key()
    with transaction.atomic():
        old = _locked(key_id)
        if not rules.is_usable(old, now=now):
            raise KeyNotUsable
        lifetime = old.expires_at - old.created_at if old.expires_at is not None else None
        row = ApiKey(
            service_account=old.service_account,
            name=old.name,
            prefix=prefix,
            digest=rules.digest_of(key),
            permissions=old.permissions,
            branches=old.branches,
            created_at=now,
            created_by_id=maker.user_id,
            expires_at=expires_at or (now + lifetime if lifetime is not None else None),
        )
        wide = _require_may_give(maker, row)
        insert(row)
        old.expires_at = min(now + overlap, old.expires_at or now + overlap)
        old.save(update_fields=["expires_at"])
        replaced = {"replaces": old.prefix, "old_expires_at": old.expires_at.isoformat()}
        _record("api_key.rotated", row, by=maker.actor, now=now, **replaced)
        _report(Kind.KEY_CREATED, row, by=maker.actor, now=now, wide=wide)
    return MadeKey(row, key)


def revoke_key(*, key_id: int, by: Actor, now: datetime) -> None:
    """End a key at once; to end one that is revoked already is no error. Raises NotFound."""
    with transaction.atomic():
        row = _locked(key_id)
        if row.revoked_at is not None:
            return
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        _record("api_key.revoked", row, by=by, now=now)
        _report(Kind.KEY_REVOKED, row, by=by, now=now)


def note_use(row: ApiKey, *, now: datetime) -> None:
    """Remember that a key was used, once in USE_NOTED_EVERY; of requests at the same moment one writes, none waits."""
    before = now - rules.USE_NOTED_EVERY
    if row.last_used_at is not None and row.last_used_at > before:
        return
    due = ApiKey.objects.filter(Q(last_used_at__isnull=True) | Q(last_used_at__lte=before), pk=row.pk)
    with transaction.atomic():
        free = due.select_for_update(skip_locked=True, no_key=True).values("pk")
        ApiKey.objects.filter(pk__in=free).update(last_used_at=now)


def _require_meaningful(permissions: Sequence[str], expires_at: datetime | None, now: datetime) -> None:
    problems = []
    known = selectors.permission_names()
    for at, name in enumerate(permissions):
        if name not in known:
            text = _("There is no such permission.")
            problems.append(FieldProblem(f"permissions.{at}", "unknown_permission", text))
        elif name in rules.NEVER_BY_KEY:
            text = _("No key may have this permission: it needs a person.")
            problems.append(FieldProblem(f"permissions.{at}", "not_for_keys", text))
    if expires_at is not None and expires_at <= now:
        problems.append(FieldProblem("expires_at", "in_the_past", _("Choose a moment to come.")))
    if problems:
        raise ValidationFailed(f"{problems[0].field}: {problems[0].detail}", errors=problems)


def _require_may_give(maker: Principal, row: ApiKey) -> bool:
    """Raise CannotGrant unless `maker` holds what the key would bring; return whether that is wide."""
    given = (
        rules.rights_of(row.permissions, row.branches),
        selectors.rights_of_service_account(row.service_account_id),
    )
    if not all(rights.within(maker) for rights in given):
        raise CannotGrant
    return rules.is_wide(given)


def _account(service_account_id: int) -> ServiceAccount:
    """The service account, kept from being deleted meanwhile."""
    rows = ServiceAccount.objects.select_for_update(no_key=True)
    account = rows.filter(pk=service_account_id).first()
    if account is None:
        raise NotFound
    return account


def _locked(key_id: int) -> ApiKey:
    rows = ApiKey.objects.select_related("service_account")
    row = rows.select_for_update(of=("self",), no_key=True).filter(pk=key_id).first()
    if row is None:
        raise NotFound
    return row


def _record(action: str, row: ApiKey, *, by: Actor, now: datetime, **more: Any) -> None:
    changes = {
        "prefix": row.prefix,
        "service_account": row.service_account.code,
        "permissions": row.permissions,
        "branches": row.branches,
        "expires_at": row.expires_at.isoformat() if row.expires_at is not None else None,
        **more,
    }
    audit.record(action=action, target=row, by=by, changes=changes, now=now)


def _report(kind: Kind, row: ApiKey, *, by: Actor, now: datetime, **facts: Any) -> None:
    security_event(kind, by=by, now=now, prefix=row.prefix, service_account=row.service_account.code, **facts)
