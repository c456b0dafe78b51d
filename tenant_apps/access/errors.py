"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import CannotGrant, Conflict, FieldProblem, ValidationFailed

__all__ = ["AlreadyAssigned", "CannotGrant", "LastAdmin", "RoleCodeTaken", "RoleInUse", "RoleIsStandard"]


class LastAdmin(Conflict):
    """The change would leave the library without an admin."""

    code = "last_admin"
    title = _("Last admin")
    detail = _("This is the library's last admin. Make somebody else admin first.")


class AlreadyAssigned(Conflict):
    """The user or service account holds this role in this scope already."""

    code = "already_assigned"
    title = _("Role already given")
    detail = _("The role has been given here already.")


class AlreadyShared(Conflict):
    """The row is shared with this user already; take that back first to share it for something else."""

    code = "already_shared"
    title = _("Shared already")
    detail = _("This is shared with this person already.")


class RoleCodeTaken(ValidationFailed):
    """Another role of this library has the code already."""

    code = "role_code_taken"
    title = _("Role code taken")
    detail = _("Another role has this code.")

    def __init__(self) -> None:
        """Name the field `code`."""
        super().__init__(errors=[FieldProblem("code", self.code, self.detail)])


class RoleInUse(Conflict):
    """A role cannot be deleted while somebody holds it."""

    code = "role_in_use"
    title = _("Role in use")
    detail = _("Somebody holds this role. Take it away from everybody first.")


class RoleIsStandard(Conflict):
    """A standard role cannot be deleted, and Admin cannot be changed either."""

    code = "role_is_standard"
    title = _("Standard role")
    detail = _("Every library has this role: it cannot be deleted, and Admin can always do everything.")
