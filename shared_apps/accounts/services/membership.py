"""Letting registered people in, and closing and opening accounts; called by whoever manages a library's people."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.errors import NotFound
from saas.core.principals import Actor
from shared_apps.accounts import ports
from shared_apps.accounts.errors import NotAwaitingApproval
from shared_apps.accounts.models import User
from shared_apps.accounts.services import notices
from shared_apps.accounts.services.sessions import end_all_sessions
from shared_apps.audit import services as audit


def approve_user(*, user_id: int, by: Actor, now: datetime) -> User:
    """Let somebody in who has registered, with what readers have, and tell them by mail.

    Raises NotFound, and NotAwaitingApproval for an account that does not wait (any more).
    """
    with transaction.atomic():
        user = _waiting(user_id)
        user.awaiting_approval, user.is_active = False, True
        _save(user, action="user.approved", by=by, now=now)
        ports.admit_reader(user_id=user.pk, by=by, now=now)
        notices.publish(notices.APPROVED, user=user, now=now)
    return user


def refuse_user(*, user_id: int, by: Actor, now: datetime) -> User:
    """Refuse a registration and say so by mail; the account stays inactive, so that the decision is not asked again.

    `reactivate_user` lets the person in after all. Raises NotFound and NotAwaitingApproval.
    """
    with transaction.atomic():
        user = _waiting(user_id)
        user.awaiting_approval = False
        _save(user, action="user.refused", by=by, now=now)
        notices.publish(notices.REFUSED, user=user, now=now)
    return user


def deactivate_user(*, user_id: int, by: Actor, now: datetime) -> User:
    """Close an account: nobody signs in to it, and its sessions end at once. To repeat it is no error.

    Raises NotFound, and AccountInUse for the last admin.
    """
    with transaction.atomic():
        user = _locked(user_id)
        if not user.is_active:
            return user
        ports.require_may_deactivate(user.pk)
        user.is_active = False
        _save(user, action="user.deactivated", by=by, now=now)
        end_all_sessions(user=user, reason="user.deactivated", by=by, now=now)
    return user


def reactivate_user(*, user_id: int, by: Actor, now: datetime) -> User:
    """Open a closed or refused account again, with the roles it has. To repeat it is no error.

    One that awaits approval is approved by it. Raises NotFound, also for one that was erased.
    """
    with transaction.atomic():
        user = _locked(user_id)
        if user.awaiting_approval:
            return approve_user(user_id=user_id, by=by, now=now)
        if not user.is_active:
            user.is_active = True
            _save(user, action="user.reactivated", by=by, now=now)
    return user


def _locked(user_id: int) -> User:
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, erased_at=None).first()
    if user is None:
        raise NotFound
    return user


def _waiting(user_id: int) -> User:
    user = _locked(user_id)
    if not user.awaiting_approval:
        raise NotAwaitingApproval
    return user


def _save(user: User, *, action: str, by: Actor, now: datetime) -> None:
    user.bump()
    user.save(update_fields=["is_active", "awaiting_approval", "version"])
    audit.record(action=action, target=user, by=by, now=now)
