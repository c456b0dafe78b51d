"""Refusals about plans."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import NotFound


class UnknownPlan(NotFound):
    """There is no plan with this code."""

    code = "unknown_plan"
    title = _("Unknown plan")
    detail = _("There is no plan with this code.")
