"""Refusals about libraries and their names."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import Conflict


class SubdomainTaken(Conflict):
    """Another library has this subdomain."""

    code = "subdomain_taken"
    title = _("Subdomain taken")
    detail = _("Another library has this subdomain by now. Choose another one.")
