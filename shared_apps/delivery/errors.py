"""Refusals of repeated requests."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import DomainError


class IdempotencyKeyInvalid(DomainError):
    """The Idempotency-Key header is empty, longer than 255 characters or not plain ASCII."""

    code = "idempotency_key_invalid"
    status = 400
    title = _("Idempotency-Key not valid")
    detail = _("An Idempotency-Key has 1 to 255 printable ASCII characters.")


class IdempotencyKeyReused(DomainError):
    """The key was used with another request before."""

    code = "idempotency_key_reused"
    status = 422
    title = _("Idempotency-Key used before")
    detail = _("This key was used for a different request. Take a new key for a new request.")


class IdempotencyInProgress(DomainError):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"
    status = 409
    title = _("Still running")
    detail = _("The first request with this key is still running. Ask again in a moment.")
