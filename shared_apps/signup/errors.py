"""Refusals of mailed links."""

from django.utils.translation import gettext_lazy as _

from saas.core import errors


class TokenInvalid(errors.TokenInvalid):
    """The link was never sent, or was changed on its way. 400 and not 401: nobody is to sign in."""

    status = 400
    title = _("Link not valid")
    detail = _("This link is not valid. Copy the whole address from the mail.")


class TokenExpired(errors.DomainError):
    """The mailed link is older than 48 hours."""

    code = "token_expired"
    status = 400
    title = _("Link expired")
    detail = _("This link is too old. Sign up again to get a new one.")


class TokenUsed(errors.Conflict):
    """The mailed link has made its library already."""

    code = "token_used"
    title = _("Link used before")
    detail = _("This link has been used: the library exists already.")
