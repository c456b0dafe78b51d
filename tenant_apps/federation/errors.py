"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import (
    Conflict,
    DomainError,
    FieldProblem,
    NotAuthenticated,
    PermissionDenied,
    RetryableError,
    TokenInvalid,
    ValidationFailed,
)


class ProviderCodeTaken(ValidationFailed):
    """Another identity provider of this library has the code already."""

    code = "identity_provider_code_taken"
    title = _("Code of an identity provider taken")
    detail = _("Another identity provider has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class FlowInvalid(TokenInvalid):
    """The sign-in was not begun in this browser or by this client, was finished already, or took too long."""

    detail = _("This sign-in has expired or was begun elsewhere. Start again.")


class ProviderRefused(NotAuthenticated):
    """The identity provider did not let the person in, or does not know the code it is said to have given."""

    code = "provider_refused"
    title = _("Sign-in refused by the provider")
    detail = _("The provider did not confirm the sign-in. Start again.")


class IdentityNotProved(NotAuthenticated):
    """What came back does not prove who signed in: a wrong issuer, audience, nonce, signature or time."""

    code = "identity_not_proved"
    title = _("Sign-in not proved")
    detail = _("The provider's answer does not prove who you are. Start again.")


class ProviderUnavailable(RetryableError):
    """The identity provider does not answer, or not in time."""

    code = "provider_unavailable"
    title = _("Provider unavailable")
    detail = _("The provider does not answer. Try again in a moment, or sign in with your password.")
    retry_after = 30


class ProviderFaulty(DomainError):
    """The identity provider answers what cannot be used, or is not set up rightly here."""

    code = "provider_faulty"
    status = 502
    title = _("Provider not usable")
    detail = _("The provider's answer cannot be used. Tell the library, or sign in with your password.")


class AccountExists(Conflict):
    """An account has the address that the provider has verified; its owner may connect the two (`link_token`)."""

    code = "account_exists"
    title = _("Account exists")
    detail = _("There is an account with your address. Sign in with its password and connect the two.")


class AddressNotVerified(PermissionDenied):
    """The provider names no address of this person, or none that it has verified."""

    code = "provider_email_unverified"
    title = _("No verified address")
    detail = _("The provider has not verified an e-mail address of yours.")


class AddressNotAllowed(PermissionDenied):
    """The provider is for people with addresses of other domains."""

    code = "email_domain_not_allowed"
    title = _("Address not allowed")
    detail = _("With this provider only addresses of certain domains may sign in.")


class IdentityTaken(Conflict):
    """The identity belongs to an account already."""

    code = "identity_taken"
    title = _("Connected already")
    detail = _("This account of the provider is connected to an account here already.")


class LastWayIn(Conflict):
    """Without this identity its owner could not sign in any more."""

    code = "last_way_in"
    title = _("Last way to sign in")
    detail = _("You have no other way to sign in. Set a password first.")
