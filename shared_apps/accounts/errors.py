"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, DomainError, NotAuthenticated, PermissionDenied, TokenInvalid


class InvalidCredentials(NotAuthenticated):
    """Address or card, and password, do not belong together; the same answer whichever of them is wrong."""

    code = "invalid_credentials"
    title = _("Sign-in failed")
    detail = _("The address or card number and the password do not match an account.")


class MfaRequired(NotAuthenticated):
    """The password is right, and this account has a second factor whose code is missing or wrong.

    `methods` lists what the account has: "totp", "webauthn", "recovery_codes".
    """

    code = "mfa_required"
    title = _("Second factor required")
    detail = _(
        "Send the current code of your authenticator app, or a recovery code, as otp; or use a passkey."
    )


class PasskeyRefused(NotAuthenticated):
    """A passkey did not prove who somebody is; the same answer whatever was wrong with it."""

    code = "passkey_refused"
    title = _("Passkey refused")
    detail = _("This passkey was not accepted here. Try again, or sign in with your password.")


class PasskeyNotAccepted(DomainError):
    """A new passkey is not of a kind that is accepted, is registered already, or answers no challenge of ours."""

    code = "passkey_not_accepted"
    status = 400
    title = _("Passkey not accepted")
    detail = _("This passkey could not be added. Begin again.")


class EnrolmentExpired(Conflict):
    """Nothing waits to be confirmed in this session: it was confirmed already, or begun too long ago."""

    code = "enrolment_expired"
    title = _("Nothing to confirm")
    detail = _("This was confirmed already, or begun too long ago. Begin again.")


class FactorNeeded(Conflict):
    """The last second factor of somebody who must have one cannot be taken away."""

    code = "factor_needed"
    title = _("Second factor needed")
    detail = _("Your account must have a second factor. Add another one before you take this one away.")


class NoFactor(Conflict):
    """Recovery codes stand in for a second factor, and this account has none."""

    code = "no_factor"
    title = _("No second factor")
    detail = _("Set up an authenticator app or a passkey first.")


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may have."""

    code = "too_many_passkeys"
    title = _("Too many passkeys")
    detail = _("Take one of your passkeys away first.")


class EmailNotVerified(NotAuthenticated):
    """The password is right, and the account's e-mail address was never confirmed."""

    code = "email_not_verified"
    title = _("E-mail address not confirmed")
    detail = _("Confirm your e-mail address with the code that was sent to it, or ask for a new one.")


class AwaitingApproval(NotAuthenticated):
    """The password is right, and the library has not yet approved the registration."""

    code = "awaiting_approval"
    title = _("Waiting for approval")
    detail = _("The library looks at your registration and writes to you.")


class RegistrationClosed(PermissionDenied):
    """The library does not let people register by themselves."""

    code = "registration_closed"
    title = _("No registration")
    detail = _("This library does not take registrations. Ask at the desk.")


class CodeInvalid(NotAuthenticated):
    """The mailed code is wrong, was used, has expired, was tried too often, or is another address's or library's."""

    code = "code_invalid"
    title = _("Code not valid")
    detail = _("This code is wrong or not valid any more. Check it, or ask for a new one.")


class ChangeCodeInvalid(CodeInvalid):
    """The same for a new address: 404, since whoever is signed in stays so, and a 401 would make a client renew."""

    status = 404


class NotAwaitingApproval(Conflict):
    """The account is not one that waits to be approved or refused."""

    code = "not_awaiting_approval"
    title = _("Nothing to approve")
    detail = _("This account does not wait for approval.")


class AccountInUse(Conflict):
    """The account cannot be closed or erased now; `reasons` says why."""

    code = "account_in_use"
    title = _("Account still in use")
    detail = _("This account cannot be closed as things are.")


class EmailTaken(Conflict):
    """An account with this e-mail address exists already."""

    code = "email_taken"
    title = _("Address in use")
    detail = _("There is an account with this e-mail address already.")


class ResetTokenInvalid(TokenInvalid):
    """The link to a new password was used, has expired, or belongs to another library."""

    detail = _("This link was used already or has expired. Ask for a new one.")
