"""Refusals of this app."""

from django.utils.translation import gettext_lazy as _

from saas.core.errors import DomainError


class AuditExportTooLarge(DomainError):
    """More entries match than one export holds; `limit` says how many that is."""

    code, status = "audit_export_too_large", 400
    title = _("Too much for one export")
    detail = _("Narrow the range with from and to, and export it in parts.")
