"""Inviting people, letting them accept, and managing the accounts of members."""

from tenant_apps.members.services.acceptance import Accepted, accept_invitation, check_invitation
from tenant_apps.members.services.invitations import (
    INVITATION_MAIL,
    invite,
    purge_invitations,
    resend_invitation,
    revoke_invitation,
)
from tenant_apps.members.services.members import (
    approve_member,
    deactivate_member,
    end_sessions_of_member,
    erase_account,
    reactivate_member,
    refuse_member,
    rename_member,
    require_may_manage,
)

__all__ = [
    "INVITATION_MAIL",
    "Accepted",
    "accept_invitation",
    "approve_member",
    "check_invitation",
    "deactivate_member",
    "end_sessions_of_member",
    "erase_account",
    "invite",
    "purge_invitations",
    "reactivate_member",
    "refuse_member",
    "rename_member",
    "require_may_manage",
    "resend_invitation",
    "revoke_invitation",
]
