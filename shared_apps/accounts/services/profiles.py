"""What people may change about their own account without proving again who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.accounts.models import User
from shared_apps.audit import services as audit


class ProfileChanges(TypedDict, total=False):
    """A name that is shown, and the code of a language."""

    name: str
    language: str


def change_profile(*, user_id: int, changes: ProfileChanges, by: Actor, now: datetime) -> User:
    """Change an account's name or language; a change that changes nothing writes nothing. Raises NotFound."""
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
        if user is None:
            raise NotFound
        before: dict[str, Any] = {field: getattr(user, field) for field in changes}
        changed = {field: value for field, value in changes.items() if before[field] != value}
        if not changed:
            return user
        for field, value in changed.items():
            setattr(user, field, value)
        user.bump()
        user.save(update_fields=[*changed, "version"])
        audit.record(
            action="user.changed",
            target=user,
            by=by,
            changes={"fields": sorted(changed)},
            personal={field: [before[field], value] for field, value in changed.items()},
            now=now,
        )
    return user
