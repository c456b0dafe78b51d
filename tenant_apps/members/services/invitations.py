"""Inviting somebody to a role, sending the mail again, and withdrawing it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from saas.core.api.throttling import check_limit
from saas.core.db.inserts import insert
from saas.core.errors import CannotGrant, NotFound
from saas.core.principals import Actor, Principal
from shared_apps.audit import services as audit
from shared_apps.delivery import services as delivery
from tenant_apps.access import services as access
from tenant_apps.access.selectors import roles
from tenant_apps.branches.selectors import all_branches
from tenant_apps.collections.selectors import all_collections
from tenant_apps.members import rules, selectors
from tenant_apps.members.errors import InvitationNotOpen
from tenant_apps.members.models import Invitation

INVITATION_MAIL: Final = "members.invitation_mail"
LIMIT: Final = "invitation"


def invite(
    *,
    email: str,
    name: str = "",
    role: str,
    branch: str | None = None,
    collection: str | None = None,
    inviter: Principal,
    now: datetime,
) -> Invitation:
    """Mail somebody a link that gives them a role, for the library or for the branch or collection with this code.

    The answer and the rows are the same whether the address has an account or not. `inviter` is a person who may manage
    members there and give the role themselves. Raises NotFound, CannotGrant, and RateLimited.
    """
    nonce = rules.new_nonce()
    with transaction.atomic():
        invitation = Invitation(
            email=email.strip().lower(),
            name=name,
            role=_named(roles(), role),
            branch=_named(all_branches(), branch),
            collection=_named(all_collections(), collection),
            invited_by_id=inviter.user_id,
            token_nonce=nonce,
            token_digest=rules.digest_of(rules.token_for(nonce)),
            created_at=now,
            sent_at=now,
            expires_at=now + rules.LIFETIME,
        )
        require_may_invite(inviter, invitation)
        check_limit(LIMIT, "all")
        insert(invitation)
        _send(invitation, now=now)
        record("invitation.created", invitation, by=inviter.actor, now=now)
    return invitation


def resend_invitation(*, invitation_id: int, inviter: Principal, now: datetime) -> Invitation:
    """Mail a new link, good for seven days from now; the old one is dead. An expired invitation is opened by it.

    It counts as invited by whoever sends it again. Raises NotFound, InvitationNotOpen, CannotGrant and RateLimited.
    """
    with transaction.atomic():
        invitation = _locked(invitation_id, inviter)
        if rules.state_of(invitation, now=now) not in {rules.OPEN, rules.EXPIRED}:
            raise InvitationNotOpen
        require_may_invite(inviter, invitation)
        check_limit(LIMIT, "all")
        invitation.token_nonce = rules.new_nonce()
        invitation.token_digest = rules.digest_of(rules.token_for(invitation.token_nonce))
        invitation.invited_by_id = inviter.user_id
        invitation.sent_at, invitation.expires_at = now, now + rules.LIFETIME
        invitation.save(update_fields=["token_nonce", "token_digest", "invited_by", "sent_at", "expires_at"])
        _send(invitation, now=now)
        record("invitation.sent_again", invitation, by=inviter.actor, now=now)
    return invitation


def revoke_invitation(*, invitation_id: int, by: Principal, now: datetime) -> None:
    """Withdraw an invitation; its link is dead at once. To repeat it is no error.

    Raises NotFound and InvitationNotOpen.
    """
    with transaction.atomic():
        invitation = _locked(invitation_id, by)
        if invitation.accepted_at is not None:
            raise InvitationNotOpen
        if invitation.revoked_at is not None:
            return
        invitation.revoked_at = now
        invitation.save(update_fields=["revoked_at"])
        record("invitation.revoked", invitation, by=by.actor, now=now)


def purge_invitations(*, now: datetime) -> int:
    """Delete the current library's invitations that ended more than rules.KEEP ago, and return how many."""
    deleted, _by_model = Invitation.objects.filter(expires_at__lt=now - rules.KEEP).delete()
    return deleted


def require_may_invite(inviter: Principal, invitation: Invitation) -> None:
    """Raise CannotGrant unless `inviter` manages members in the invitation's scope and may give its role there."""
    scope = {"branch_id": invitation.branch_id, "collection_id": invitation.collection_id}
    if not inviter.may(selectors.MANAGE, **scope):
        raise CannotGrant
    access.require_may_grant(inviter, invitation.role.allows, **scope)


def record(action: str, invitation: Invitation, *, by: Actor, now: datetime) -> None:
    """Write what happened to an invitation."""
    changes = {
        "role": invitation.role.code,
        "branch": invitation.branch.code if invitation.branch is not None else None,
        "collection": invitation.collection.code if invitation.collection is not None else None,
    }
    personal = {"email": invitation.email}
    audit.record(action=action, target=invitation, by=by, changes=changes, personal=personal, now=now)


def _send(invitation: Invitation, *, now: datetime) -> None:
    delivery.publish(kind=INVITATION_MAIL, payload={"invitation": invitation.pk}, now=now)


def _named(rows: Any, code: str | None) -> Any:
    if code is None:
        return None
    row = rows.filter(code=code).first()
    if row is None:
        raise NotFound
    return row


def _locked(invitation_id: int, principal: Principal) -> Invitation:
    """The invitation, if the caller manages it."""
    rows = selectors.invitations_managed_by(principal).select_for_update(of=("self",), no_key=True)
    invitation = rows.filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound
    return invitation
