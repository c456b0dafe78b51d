"""Reading imports and their reports."""

from __future__ import annotations

from django.db.models import F, QuerySet

from tenant_apps.catalog.models import ImportJob, ImportRecord


def all_imports() -> QuerySet[ImportJob]:
    """Every import of the current library."""
    return ImportJob.objects.all()


def records_of(job: ImportJob, *, outcome: str = "") -> QuerySet[ImportRecord]:
    """Report lines of an import, of one outcome where given, with the stored title's text
    (`stored_title`).
    """
    rows = ImportRecord.objects.filter(job=job).annotate(stored_title=F("title__title"))
    return rows.filter(outcome=outcome) if outcome else rows
