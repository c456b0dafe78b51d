"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, PermissionDenied


class CannotGrant(PermissionDenied):
    """A role was given or taken away that allows something its giver may not do."""

    code = "cannot_grant"
    title = _("Not yours to give")
    detail = _("You can give and take away only roles whose permissions you hold yourself.")


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
