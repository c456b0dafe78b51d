"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core import errors
from shared_apps.signup.errors import TokenExpired, TokenUsed


class CannotManageMember(errors.PermissionDenied):
    """The member may do something that the caller may not, or works elsewhere too."""

    code = "cannot_manage_member"
    title = _("Not yours to manage")
    detail = _("This person may do more here than you may. Ask somebody who may do all of it.")


class InvitationInvalid(errors.TokenInvalid):
    """The link of an invitation was never sent, was changed on its way, was withdrawn, or is another library's."""

    title = _("Invitation not valid")
    detail = _("This invitation is not valid, or was withdrawn. Ask whoever invited you for a new one.")


class InvitationExpired(TokenExpired):
    """The link of an invitation is older than seven days."""

    title = _("Invitation expired")
    detail = _("This invitation is too old. Ask whoever invited you for a new one.")


class InvitationUsed(TokenUsed):
    """The invitation was accepted already."""

    title = _("Invitation used before")
    detail = _("This invitation has been accepted already. Sign in.")


class InvitationVoid(errors.Conflict):
    """Whoever invited is gone, or may no longer give the role that the invitation promises."""

    code = "invitation_void"
    title = _("Invitation no longer good")
    detail = _("Whoever invited you may no longer give this role. Ask for a new invitation.")


class SignInToAccept(errors.Conflict):
    """The invited address has an account here: its owner accepts by signing in, and no second account is made."""

    code = "sign_in_to_accept"
    title = _("Sign in to accept")
    detail = _("You have an account here already. Sign in with it, then open the invitation again.")


class InvitationNotOpen(errors.Conflict):
    """An invitation that was accepted or withdrawn cannot be sent again or withdrawn."""

    code = "invitation_not_open"
    title = _("Invitation not open")
    detail = _("This invitation was accepted or withdrawn.")
