"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import PermissionDenied


class VisitNotAdmitted(PermissionDenied):
    """The library's admins do not let platform staff in, or not to change anything; `staff_visits` is its setting."""

    code = "visit_not_admitted"
    title = _("The library does not admit this visit")
    detail = _("The library's admins have not allowed visits of this kind. Ask them to change the setting.")
