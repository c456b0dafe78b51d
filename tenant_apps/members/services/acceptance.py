"""Accepting an invitation: the link proves the mailbox, so the account that it makes has a verified address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from saas.core.errors import CannotGrant, FieldProblem, NotFound, ValidationFailed
from saas.core.principals import Actor, Principal
from saas.core.security_events import Kind, security_event
from shared_apps.accounts import selectors as accounts
from shared_apps.accounts import services as account_services
from shared_apps.accounts.errors import EmailTaken
from shared_apps.accounts.services import User
from tenant_apps.access import services as access
from tenant_apps.access.errors import AlreadyAssigned
from tenant_apps.members import rules, selectors
from tenant_apps.members.errors import (
    InvitationExpired,
    InvitationInvalid,
    InvitationUsed,
    InvitationVoid,
    SignInToAccept,
)
from tenant_apps.members.models import Invitation
from tenant_apps.members.services.invitations import record, require_may_invite

log = structlog.get_logger("libraryhub.security")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An accepted invitation and whose it is now; `is_new` where the account was made by it."""

    invitation: Invitation
    user: User
    is_new: bool


def check_invitation(*, token: str, now: datetime) -> Invitation:
    """The invitation behind a link that could be accepted now.

    Raises InvitationInvalid, InvitationUsed or InvitationExpired.
    """
    invitation = selectors.invitation_for(token)
    if invitation is None:
        security_event(Kind.TOKEN_REFUSED, now=now, what="invitation")
        raise InvitationInvalid
    _require_open(invitation, now)
    return invitation


def accept_invitation(
    *, token: str, password: str | None = None, name: str | None = None, caller: Principal, now: datetime
) -> Accepted:
    """Give the invited role to the owner of the mailbox, once; nobody is signed in by it.

    Where the address has no account here, one is made with `password`; where it has, `caller` must be its owner. The
    role is given as by whoever invited, with what they may give at this moment. Raises what `check_invitation` raises,
    SignInToAccept, InvitationVoid, and ValidationFailed for a missing or weak password; then the link still works.
    """
    found = check_invitation(token=token, now=now)
    try:
        with transaction.atomic():
            invitation = _locked(found, now)
            inviter = _inviter(invitation)
            user, is_new = _account(invitation, password, name, caller, now)
            invitation.accepted_at, invitation.accepted_by = now, user
            invitation.save(update_fields=["accepted_at", "accepted_by"])
            record("invitation.accepted", invitation, by=Actor("person", user.pk), now=now)
            _give_role(invitation, user, inviter, now)
    except CannotGrant as refusal:
        security_event(
            Kind.TOKEN_REFUSED,
            now=now,
            what="invitation",
            reason=InvitationVoid.code,
            invitation=found.pk,
            inviter=found.invited_by_id,
        )
        raise InvitationVoid from refusal
    return Accepted(invitation, user, is_new)


def _require_open(invitation: Invitation, now: datetime) -> None:
    state = rules.state_of(invitation, now=now)
    if state == rules.ACCEPTED:
        raise InvitationUsed
    if state == rules.REVOKED:
        raise InvitationInvalid
    if state == rules.EXPIRED:
        raise InvitationExpired


def _locked(found: Invitation, now: datetime) -> Invitation:
    """The invitation again under its lock: somebody else may have accepted, withdrawn or renewed it meanwhile."""
    rows = Invitation.objects.select_related("role", "branch", "collection")
    same = rows.filter(pk=found.pk, token_digest=found.token_digest)
    invitation = same.select_for_update(of=("self",), no_key=True).first()
    if invitation is None:
        raise InvitationInvalid
    _require_open(invitation, now)
    return invitation


def _inviter(invitation: Invitation) -> Principal:
    """Whoever invited, with what they may do now. Raises CannotGrant where that is not enough any more."""
    try:
        inviter = selectors.manager(invitation.invited_by_id)
    except NotFound as gone:
        raise CannotGrant from gone
    require_may_invite(inviter, invitation)
    return inviter


def _account(
    invitation: Invitation, password: str | None, name: str | None, caller: Principal, now: datetime
) -> tuple[User, bool]:
    user = accounts.user_with_email(invitation.email)
    if user is not None:
        if caller.user_id != user.pk:
            raise SignInToAccept
        return user, False
    if not password:
        text = _("Choose a password.")
        raise ValidationFailed(text, errors=[FieldProblem("password", "required", text)])
    try:
        made = account_services.create_user(
            email=invitation.email,
            name=name or invitation.name,
            password=password,
            language=get_language() or "",
            verified=True,
            by=Actor("person", invitation.invited_by_id),
            now=now,
        )
    except EmailTaken as taken:
        # Registered between the look and the insert.
        raise SignInToAccept from taken
    return made, True


def _give_role(invitation: Invitation, user: User, inviter: Principal, now: datetime) -> None:
    try:
        access.assign_role(
            user_id=user.pk,
            role=invitation.role.code,
            branch=invitation.branch.code if invitation.branch is not None else None,
            collection=invitation.collection.code if invitation.collection is not None else None,
            granter=inviter,
            by=inviter.actor,
            now=now,
        )
    except AlreadyAssigned:
        log.info("invitation_to_a_role_held_already", invitation=invitation.pk)
