"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, NotAuthenticated, TokenInvalid


class InvalidCredentials(NotAuthenticated):
    """Address or card, and password, do not belong together; the same answer whichever of them is wrong."""

    code = "invalid_credentials"
    title = _("Sign-in failed")
    detail = _("The address or card number and the password do not match an account.")


class MfaRequired(NotAuthenticated):
    """The password is right, and this account has a second factor whose code is missing or wrong."""

    code = "mfa_required"
    title = _("Second factor required")
    detail = _("Send the current code of your authenticator app, or a recovery code, as otp.")


class EmailNotVerified(NotAuthenticated):
    """The password is right, and the account's e-mail address was never confirmed."""

    code = "email_not_verified"
    title = _("E-mail address not confirmed")
    detail = _("Confirm your e-mail address with the link that was sent to it.")


class EmailTaken(Conflict):
    """An account with this e-mail address exists already."""

    code = "email_taken"
    title = _("Address in use")
    detail = _("There is an account with this e-mail address already.")


class ResetTokenInvalid(TokenInvalid):
    """The link to a new password was used, has expired, or belongs to another library."""

    status = 400
    detail = _("This link was used already or has expired. Ask for a new one.")
