"""Managing the accounts of members: who may manage whom is decided here, the rest is done by `accounts`."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saas.core.errors import NotFound
from saas.core.principals import Actor, Principal
from shared_apps.accounts import services as accounts
from shared_apps.accounts.services import User
from tenant_apps.access import services as access
from tenant_apps.access.selectors import rights_of_user
from tenant_apps.members import selectors
from tenant_apps.members.errors import CannotManageMember
from tenant_apps.members.models import Invitation


def require_may_manage(manager: Principal, user_id: int) -> User:
    """The member, if the manager manages them and holds all that the member's roles allow, active or not.

    Otherwise a manager of one branch could close the account of the library's admin. Raises NotFound for somebody the
    manager may not see, CannotManageMember for somebody above them.
    """
    user = selectors.members_managed_by(manager).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    if not rights_of_user(user_id).within(manager):
        raise CannotManageMember
    return user


def rename_member(*, user_id: int, name: str, manager: Principal, now: datetime) -> User:
    """Give a member another name. Raises NotFound, CannotManageMember."""
    with transaction.atomic():
        require_may_manage(manager, user_id)
        return accounts.change_profile(user_id=user_id, changes={"name": name}, by=manager.actor, now=now)


def deactivate_member(*, user_id: int, manager: Principal, now: datetime) -> User:
    """Close a member's account and end its sessions at once; to repeat it is no error.

    Raises NotFound, CannotManageMember, LastAdmin, and AccountInUse for another reason why they must stay.
    """
    with transaction.atomic():
        require_may_manage(manager, user_id)
        access.require_not_last_admin(user_id)
        return accounts.deactivate_user(user_id=user_id, by=manager.actor, now=now)


def reactivate_member(*, user_id: int, manager: Principal, now: datetime) -> User:
    """Open a closed or refused account again. Raises NotFound, CannotManageMember."""
    with transaction.atomic():
        require_may_manage(manager, user_id)
        return accounts.reactivate_user(user_id=user_id, by=manager.actor, now=now)


def approve_member(*, user_id: int, manager: Principal, now: datetime) -> User:
    """Let somebody in who has registered. Raises NotFound, CannotManageMember, NotAwaitingApproval."""
    with transaction.atomic():
        require_may_manage(manager, user_id)
        return accounts.approve_user(user_id=user_id, by=manager.actor, now=now)


def refuse_member(*, user_id: int, manager: Principal, now: datetime) -> User:
    """Refuse a registration. Raises NotFound, CannotManageMember, NotAwaitingApproval."""
    with transaction.atomic():
        require_may_manage(manager, user_id)
        return accounts.refuse_user(user_id=user_id, by=manager.actor, now=now)


def end_sessions_of_member(*, user_id: int, manager: Principal, now: datetime) -> None:
    """Sign a member out everywhere, at once (ASVS 7.4.5). Raises NotFound, CannotManageMember."""
    with transaction.atomic():
        user = require_may_manage(manager, user_id)
        accounts.end_all_sessions(user=user, reason="ended_by_manager", by=manager.actor, now=now)


def erase_account(*, user_id: int, by: Actor, now: datetime) -> None:
    """Forget the address and name under which a user was invited (settings.ACCOUNT_ERASERS)."""
    Invitation.objects.filter(accepted_by=user_id).update(email="", name="")
