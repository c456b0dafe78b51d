"""The people who run the platform, and their roles."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from saas.core.errors import CannotGrant, NotFound
from saas.core.principals import Actor, Principal
from saas.core.security_events import Kind, security_event
from saas.core.tenancy import in_public
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts import services as account_services
from shared_apps.accounts.services import User
from shared_apps.audit.services import record
from shared_apps.delivery.services import publish
from shared_apps.platform import rules
from shared_apps.platform.errors import LastOwner
from shared_apps.platform.models import StaffRole
from shared_apps.platform.selectors import owners, roles_of
from shared_apps.platform.services.visits import VISITS_TO_END, end_visits_of

INVITATION_MAIL = "platform.invitation_mail"


def invite_staff(
    *, email: str, name: str, roles: Collection[str], granter: Principal, by: Actor, now: datetime
) -> User:
    """Make an account for a member of staff and mail a link by which they set its password.

    The address counts as confirmed: nobody signs in before the link that was sent there is used. Raises
    CannotGrant and EmailTaken.
    """
    _require_may_grant(granter, roles)
    with in_public(), transaction.atomic():
        user = account_services.create_user(
            email=email, name=name, verified=True, is_staff=True, now=now, by=by
        )
        _write_roles(user, before=(), after=roles, by=by, now=now)
        publish(kind=INVITATION_MAIL, payload={"user": user.pk}, now=now)
    return user


def set_staff_roles(
    *, user_id: int, roles: Collection[str], granter: Principal, by: Actor, now: datetime
) -> User:
    """Give a member of staff these roles instead of those that they have; effective at their next request.

    Raises NotFound, CannotGrant and LastOwner.
    """
    with in_public():
        with transaction.atomic():
            user = _locked(user_id)
            before = roles_of(user)
            _require_may_grant(granter, set(before) ^ set(roles))
            if rules.OWNER in before and rules.OWNER not in roles:
                _require_other_owner(user)
            _write_roles(user, before=before, after=roles, by=by, now=now)
            may_visit = rules.VISIT in rules.permissions_of(roles)
            if not may_visit:
                publish(kind=VISITS_TO_END, payload={"user": user.pk}, now=now)
        if not may_visit:
            end_visits_of(user_id=user.pk, by=by, now=now)
    return user


def deactivate_staff(*, user_id: int, granter: Principal, by: Actor, now: datetime) -> User:
    """Take a member of staff's account away: sessions and visits end at once. Repeated, it changes nothing.

    Raises NotFound, CannotGrant and LastOwner.
    """
    with in_public():
        with transaction.atomic():
            user = _locked(user_id)
            _require_may_grant(granter, roles_of(user))
            if user.is_active:
                _require_other_owner(user)
                user = account_services.deactivate_user(user_id=user_id, by=by, now=now)
                publish(kind=VISITS_TO_END, payload={"user": user.pk}, now=now)
        end_visits_of(user_id=user.pk, by=by, now=now)
    return user


def _locked(user_id: int) -> User:
    """The member of staff, with all of staff locked: two owners cannot remove each other at once."""
    staff = accounts.users().select_for_update(no_key=True).filter(is_staff=True).order_by("pk")
    found = {user.pk: user for user in staff}
    if user_id not in found:
        raise NotFound
    return found[user_id]


def _require_may_grant(granter: Principal, roles: Collection[str]) -> None:
    """Nobody gives or takes what they do not have."""
    if not rules.permissions_of(roles) <= granter.permissions:
        raise CannotGrant


def _require_other_owner(user: User) -> None:
    # A query of its own after the lock: it sees what the transaction before this one has committed.
    if owners().filter(pk=user.pk).exists() and not owners().exclude(pk=user.pk).exists():
        raise LastOwner


def _write_roles(
    user: User, *, before: Collection[str], after: Collection[str], by: Actor, now: datetime
) -> None:
    if set(before) == set(after):
        return
    if user.is_superuser:
        # From here on the rows say what an owner by `createsuperuser` is.
        user.is_superuser = False
        user.bump()
        user.save(update_fields=["is_superuser", "version"])
    StaffRole.objects.filter(user=user).exclude(role__in=after).delete()
    rows = [StaffRole(user=user, role=role, created_at=now) for role in sorted(after)]
    StaffRole.objects.bulk_create(rows, ignore_conflicts=True)
    for kind, roles in (
        (Kind.ROLE_GRANTED, set(after) - set(before)),
        (Kind.ROLE_REVOKED, set(before) - set(after)),
    ):
        for role in sorted(roles):
            security_event(kind, user_id=user.pk, by=by, role=role, now=now)
    changes = {"from": sorted(before), "to": sorted(after)}
    record(action="staff.roles_changed", by=by, target=user, changes=changes, now=now)
