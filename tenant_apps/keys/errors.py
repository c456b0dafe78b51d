"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, FieldProblem, ValidationFailed


class ServiceAccountCodeTaken(ValidationFailed):
    """Another service account of this library has the code already."""

    code = "service_account_code_taken"
    title = _("Code taken")
    detail = _("Another service account has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class KeyNotUsable(Conflict):
    """A key that is revoked, expired or of an inactive service account cannot be exchanged for a new one."""

    code = "key_not_usable"
    title = _("Key not in use")
    detail = _("This key works no more. Make a new one.")
