"""Imports in JSON."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from saas.core.api.serializers import IdField, StrictSerializer, UtcDateTimeField
from tenant_apps.catalog.models import ImportJob, ImportRecord
from tenant_apps.catalog.rules.matching import Outcome
from tenant_apps.catalog.rules.reports import job_detail, record_detail

FORMATS = ("marc21",)
MATCH, OVERLAY = "control_number", "replace"


class ImportErrorSerializer(serializers.Serializer[Any]):
    """Why an import failed as a whole."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """An import. `total` is what was read so far: created, updated, unchanged and rejected together."""

    id = IdField()
    total = serializers.IntegerField()
    bytes_read = serializers.IntegerField(source="next_offset")
    error = serializers.SerializerMethodField()
    created_at = UtcDateTimeField()
    started_at = UtcDateTimeField(allow_null=True)
    finished_at = UtcDateTimeField(allow_null=True)

    class Meta:
        model = ImportJob
        fields: ClassVar = [
            "id",
            "state",
            "total",
            "created",
            "updated",
            "unchanged",
            "rejected",
            "file_name",
            "file_size",
            "bytes_read",
            "format",
            "dry_run",
            "cancel_requested",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
        read_only_fields: ClassVar = fields

    def get_error(self, job: ImportJob) -> dict[str, str] | None:
        """Code and detail, or null."""
        if not job.error_code:
            return None
        return {"code": job.error_code, "detail": job_detail(job.error_code, job.error_detail)}


class ImportRecordSerializer(serializers.Serializer[Any]):
    """What became of one record: its number from 1, its byte offset from 0; `code` may be a remark on a kept
    one.
    """

    number = serializers.IntegerField()
    offset = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=[str(outcome) for outcome in Outcome])
    code = serializers.CharField()
    detail = serializers.SerializerMethodField()
    title = serializers.SerializerMethodField()
    title_id = IdField(allow_null=True)

    def get_detail(self, row: ImportRecord) -> str:
        """The code as a sentence in the language of the request, with the place in the record."""
        return record_detail(row.code, row.detail, rejected=row.outcome == Outcome.REJECTED)

    def get_title(self, row: ImportRecord) -> str:
        """What the record calls itself; may be empty for one that could not be read."""
        return row.label or getattr(row, "stored_title", None) or ""


class NewImportSerializer(StrictSerializer):
    """The form that starts an import. `match` and `overlay` have one value each so far."""

    file = serializers.FileField(allow_empty_file=True, use_url=False)
    format = serializers.ChoiceField(choices=FORMATS, required=False, allow_blank=True)
    dry_run = serializers.BooleanField(required=False, default=False)
    match = serializers.ChoiceField(choices=(MATCH,), required=False, default=MATCH)
    overlay = serializers.ChoiceField(choices=(OVERLAY,), required=False, default=OVERLAY)

    def validate_file(self, value: Any) -> Any:
        """Refuse a second file rather than leave it out in silence."""
        files = getattr(self.initial_data, "getlist", lambda _name: [value])("file")
        if len(files) > 1:
            raise serializers.ValidationError(_("Send one file at a time."), code="one_file")
        return value
