"""Sharing one row with one person: rows of django-guardian with real foreign keys (docs/adr/0020).

The same for every kind of row: an app gives its own model of shares (models.Share) and asks by itself whether the
caller may share. To see is one row, to edit is a second one beside it, so that guardian answers what we answer.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db import models, transaction

from saas.core.db.integrity import refused_if_taken
from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.accounts import selectors as accounts
from shared_apps.audit import services as audit
from tenant_apps.access.errors import AlreadyShared
from tenant_apps.access.models import Share, share_codename
from tenant_apps.access.rules import EDIT, VIEW


def share(
    *, shares: type[Share], target: models.Model, user_id: int, permission: str, by: Actor, now: datetime
) -> None:
    """Let a person see (`VIEW`) or also change (`EDIT`) one row, whatever their roles say, from their next request on.

    Raises AlreadyShared where it is shared with them already, and NotFound for a user who is not there or not active.
    """
    held = [VIEW] if permission == VIEW else [VIEW, EDIT]
    with transaction.atomic():
        user = accounts.users().filter(pk=user_id, is_active=True).first()
        if user is None:
            raise NotFound
        wanted = Permission.objects.filter(
            content_type__app_label=target._meta.app_label,
            content_type__model=target._meta.model_name,
            codename__in=[share_codename(shares, name) for name in held],
        )
        rows = [shares(user=user, permission=found, content_object=target) for found in wanted]  # type: ignore[misc]
        with refused_if_taken(AlreadyShared):
            shares._default_manager.bulk_create(rows)
        _record("shared", target, user_id=user_id, permission=permission, by=by, now=now)


def unshare(*, shares: type[Share], target: models.Model, user_id: int, by: Actor, now: datetime) -> None:
    """Take back what was shared with a person, effective at their next request. Raises NotFound."""
    with transaction.atomic():
        rows = shares._default_manager.filter(content_object=target, user=user_id)
        held = list(rows.select_for_update(of=("self",)).values_list("permission__codename", flat=True))
        if not held:
            raise NotFound
        rows.delete()
        permission = EDIT if share_codename(shares, EDIT) in held else VIEW
        _record("unshared", target, user_id=user_id, permission=permission, by=by, now=now)


def unshare_all(*, user_id: int, by: Actor, now: datetime) -> None:
    """Take back everything that was shared with a person, in every app; the caller's transaction."""
    for shares in Share.__subclasses__():
        rows = shares._default_manager.select_related("content_object").filter(user=user_id)
        targets = {row.content_object.pk: row.content_object for row in rows}
        for target in targets.values():
            unshare(shares=shares, target=target, user_id=user_id, by=by, now=now)


def _record(
    verb: str, target: models.Model, *, user_id: int, permission: str, by: Actor, now: datetime
) -> None:
    changes = {"user": user_id, "permission": permission}
    audit.record(action=f"{target._meta.model_name}.{verb}", target=target, by=by, changes=changes, now=now)
