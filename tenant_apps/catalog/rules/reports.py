"""What an import reports, as sentences in the reader's language: codes and places are stored, words are not."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from saas.core.errors import error_class
from tenant_apps.catalog.marc import REJECT_REASONS, WARNING_REASONS

NOT_STORABLE = "not_storable"
NOT_MARC = "not_marc"
_REASONS: dict[str, Promise] = {
    **{str(code): sentence for code, sentence in WARNING_REASONS.items()},
    # A code that is both a remark and a refusal is told as a refusal where the record was refused.
    **{str(code): sentence for code, sentence in REJECT_REASONS.items()},
    NOT_STORABLE: _lazy("The database refuses a value of this record."),
}
_REMARKS: dict[str, Promise] = {str(code): sentence for code, sentence in WARNING_REASONS.items()}


def record_detail(code: str, where: str, *, rejected: bool) -> str:
    """The sentence of a report line, with the place in brackets; empty where nothing is to be said."""
    if not code:
        return ""
    sentence = (_REASONS if rejected else _REMARKS).get(code, code)
    return f"{sentence} ({where})" if where else str(sentence)


def job_detail(code: str, found: str) -> str:
    """Why an import failed as a whole. `found` is what a file that is no MARC 21 was taken for, may be empty."""
    if code == NOT_MARC and found:
        return _("This is not MARC 21 but: %(format)s.") % {"format": found}
    cls = error_class(code)
    return str(cls.detail) if cls is not None else code
