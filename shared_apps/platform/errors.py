"""Refusals of the platform console."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict, PermissionDenied


class LastOwner(Conflict):
    """The change would leave the platform without an owner."""

    code = "last_owner"
    title = _("Last owner")
    detail = _("This is the platform's last owner. Make somebody else owner first.")


class LibraryNotOpen(Conflict):
    """A library that is suspended, closed or half made cannot be visited."""

    code = "library_not_open"
    title = _("Library not open")
    detail = _("Only an open library can be visited.")


class FourEyes(PermissionDenied):
    """Whoever asks for a deletion cannot approve it."""

    code = "four_eyes"
    title = _("A second person is needed")
    detail = _("You asked for this deletion yourself. Somebody else has to approve it.")


class DeletionPending(Conflict):
    """Somebody has asked for the deletion of this library already, and it is not decided."""

    code = "deletion_pending"
    title = _("Deletion asked for already")
    detail = _("Somebody has asked for this already. It waits for a second person.")


class DeletionDecided(Conflict):
    """The deletion was approved or rejected before, or has expired; `state` says which."""

    code = "deletion_decided"
    title = _("Decided already")
    detail = _("This deletion was approved, was rejected or has expired.")
