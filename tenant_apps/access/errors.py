"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import CannotGrant, Conflict

__all__ = ["AlreadyAssigned", "CannotGrant", "LastAdmin"]


class LastAdmin(Conflict):
    """The change would leave the library without an admin."""

    code = "last_admin"
    title = _("Last admin")
    detail = _("This is the library's last admin. Make somebody else admin first.")


class AlreadyAssigned(Conflict):
    """The user holds this role in this scope already."""

    code = "already_assigned"
    title = _("Role already given")
    detail = _("This user has this role here already.")
