"""Refusals about money."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import DomainError


class InvalidSignature(DomainError):
    """A webhook has no signature, a wrong or an old one, or this site has no secret to check it with."""

    code = "invalid_signature"
    status = 400
    title = _("Signature not valid")
    detail = _("The signature of this webhook is not valid.")


class InvalidEvent(DomainError):
    """A signed webhook is not an event as Stripe describes it."""

    code = "invalid_event"
    status = 400
    title = _("Event not valid")
    detail = _("The body is not a Stripe event.")


class GatewayNotConfigured(RuntimeError):
    """STRIPE_SECRET_KEY is not set: this installation cannot charge anybody."""
